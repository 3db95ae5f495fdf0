"""The card of a dataset: all that is data about it, read from card.toml and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ehpsbench.definitions import Definition, read_definition


class Licence(Definition):
    """Under what terms the owners give the data."""

    name: str
    commercial: bool
    redistribute: bool = Field(description="may images or meshes be shown in a shared report?")


class ExpectedFile(Definition):
    """A file (glob pattern below the release root) that ingest needs or can use."""

    pattern: str
    what: str
    required: bool = True


class BodyFacts(Definition):
    """The body model of the labels, and what the camera chain needs of it."""

    family: Literal["smplx", "smplh", "smpl", "mano", "vertices"]
    gender: Literal["neutral", "gendered"]
    num_betas: int
    hands: str = Field(description="how the release stores hands")
    needs: tuple[str, ...] = Field(description="roles of the body set that reading needs")


class Card(Definition):
    """Identity, licence, files, splits, body model and citation of one dataset."""

    name: str
    title: str
    year: int
    description: str
    homepage: str
    how_to_get: str
    licence: Licence
    labels: str
    annotation: Literal["mocap", "pseudo", "synthetic"]
    scene: Literal["in the wild", "indoor", "studio", "mixed"]
    splits: tuple[str, ...]
    cluster: str = Field(description="what one cluster is: recording, video, image …")
    skeleton: str
    body: BodyFacts
    files: tuple[ExpectedFile, ...]
    humandata_flat_hands: bool = Field(
        default=False, description="hands in HumanData files of this dataset are absolute"
    )
    overlaps: tuple[str, ...] = Field(
        default=(), description="datasets with the same subjects, recordings or images"
    )
    adapter_version: int = 1
    citation: str


def read_card(path: Path) -> Card:
    """The card in `path`.

    Raises:
        InputError: the TOML is broken, or a field is missing, unknown or of the wrong type.
    """
    return read_definition(Card, path, "dataset card")

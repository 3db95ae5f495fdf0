"""The card of a dataset: all that is data about it, read from card.toml and checked."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ehpsbench.errors import InputError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(_Strict):
    """Under what terms the owners give the data."""

    name: str
    commercial: bool
    redistribute: bool = Field(description="may images or meshes be shown in a shared report?")


class ExpectedFile(_Strict):
    """A file (glob pattern below the release root) that ingest needs or can use."""

    pattern: str
    what: str
    required: bool = True


class BodyFacts(_Strict):
    """The body model of the labels, and what the camera chain needs of it."""

    family: Literal["smplx", "smplh", "smpl", "mano", "vertices"]
    gender: Literal["neutral", "gendered"]
    num_betas: int
    hands: str = Field(description="how the release stores hands")
    needs: tuple[str, ...] = Field(description="roles of the body set that reading needs")


class Card(_Strict):
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
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"{path} is not a valid dataset card: {error}") from error

"""The card of a dataset: all that is data about it, read from card.toml and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ehpsbench.definitions import Definition, read_definition

SPDX = frozenset(
    "Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 CC-BY-4.0 CC-BY-SA-4.0 CC-BY-NC-3.0 "
    "CC-BY-NC-4.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 MIT".split()
)
OWN_LICENCE = "LicenseRef-"
Part = Literal[
    "body", "shape", "hands", "face", "keypoints2d", "keypoints3d", "masks", "depth", "normals"
]
Positive = Annotated[int, Field(ge=1)]
IN_PICTURES = frozenset({"keypoints2d", "masks", "depth", "normals"})


class Licence(Definition):
    """Under what terms the owners give the data."""

    name: str
    id: str = Field(description="SPDX identifier, or LicenseRef-… for terms of their own")
    commercial: Literal["yes", "no", "ask"]
    registration: Literal["none", "form", "request"] = Field(
        description="none: direct download; form: an account or a form; request: somebody decides"
    )
    redistribute: bool = Field(description="may images or meshes be shown in a shared report?")

    @field_validator("id")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in SPDX and not name.removeprefix(OWN_LICENCE):
            raise ValueError("expected LicenseRef-<name>, e.g. LicenseRef-AGORA")
        if name not in SPDX and not name.startswith(OWN_LICENCE):
            raise ValueError(f"expected one of {', '.join(sorted(SPDX))} or LicenseRef-<name>")
        return name


class Paper(Definition):
    """Where the dataset was published."""

    title: str
    venue: str = Field(description="conference or journal with its year")
    url: str = ""


class Size(Definition):
    """How much there is, as far as it is known; null is unknown."""

    images: Positive | None = None
    people: Positive | None = Field(default=None, description="labelled people in images")
    sequences: Positive | None = None
    subjects: Positive | None = None
    note: str = Field(default="", description="where the numbers are from, what they count")


class CameraFacts(Definition):
    """What the release says of the cameras."""

    kind: Literal["calibrated", "rendered", "virtual", "weak perspective", "none"] = Field(
        description="virtual: fitted or assumed, one a person or image"
    )
    frame: Literal["camera", "world"] = Field(description="in which the bodies are")
    distorted: bool = False
    note: str = ""


class ExpectedFile(Definition):
    """A file (glob pattern below the release root) that ingest needs or can use."""

    pattern: str
    instead: tuple[str, ...] = Field(
        default=(), description="patterns of which any one does as well, as other sources have it"
    )
    what: str
    size: str = Field(
        default="unknown", pattern=r"^(unknown|(about )?\d+(\.\d+)? (kB|MB|GB|TB).*)$"
    )
    required: bool = True

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of which one must be there; those that walk a whole tree come last."""
        return tuple(sorted((self.pattern, *self.instead), key=lambda p: "**" in p))

    def is_in(self, root: Path) -> bool:
        """Whether a release has it."""
        return any(next(root.glob(p), None) is not None for p in self.patterns)


class BodyFacts(Definition):
    """The body model of the labels, and what the camera chain needs of it."""

    family: Literal["smplx", "smplh", "smpl", "mano", "vertices", "none"]
    gender: Literal["neutral", "gendered", "none"]
    num_betas: int
    hands: Literal["absolute", "relative", "none"] = Field(
        description="relative: the model's mean hand has to be added (flat_hand_mean=False)"
    )
    hand_components: Positive | None = Field(
        default=None, description="hands are so many principal components; null: 45 angles"
    )
    needs: tuple[str, ...] = Field(description="roles of the body set that reading needs")


class Overlap(Definition):
    """Another dataset that shares something with this one."""

    dataset: str = Field(pattern="^[a-z0-9_]+$")
    shares: Literal["images", "recordings", "subjects"]
    note: str = ""


class Card(Definition):
    """Identity, licence, size, files, splits, body model, camera and doubts of one dataset."""

    name: str
    title: str
    year: int
    description: str
    paper: Paper
    homepage: str
    how_to_get: str
    licence: Licence
    labels: str = Field(description="who made the parameters: owners, eft, neuralannot, …")
    annotation: Literal["mocap", "pseudo", "synthetic", "manual", "scan"]
    quality: str = Field(description="how good the labels are, and how one knows")
    kind: Literal["real", "synthetic", "composite", "motion"] = Field(
        description="of the pictures; motion: there are none, and no cameras"
    )
    scene: Literal["in the wild", "indoor", "studio", "mixed"]
    has: tuple[Part, ...] = Field(description="what is labelled")
    video: bool = Field(description="frames of recordings, not stills")
    size: Size
    splits: tuple[str, ...]
    cluster: str = Field(description="what one cluster is: recording, video, image …")
    frame_interval: Positive = Field(default=1, description="use every so many frames to train on")
    skeleton: str = Field(description="the native joints of keypoints, or none")
    body: BodyFacts
    camera: CameraFacts
    files: tuple[ExpectedFile, ...]
    humandata_flat_hands: bool = Field(
        default=False, description="hands in HumanData files of this dataset are absolute"
    )
    overlaps: tuple[Overlap, ...] = ()
    shipped_with: tuple[str, ...] = Field(
        default=(), description="datasets that are read from the same folder: one release has both"
    )
    errata: tuple[str, ...] = Field(default=(), description="faults of the release, known to all")
    doubts: tuple[str, ...] = Field(default=(), description="what we could not check ourselves")
    adapter_version: int = 1
    citation: str

    @property
    def pictured(self) -> bool:
        """Whether people are in pictures; motions are not."""
        return self.kind != "motion"

    @model_validator(mode="after")
    def _shows_what_it_has(self) -> Card:
        if not self.pictured and (self.camera.kind != "none" or IN_PICTURES & set(self.has)):
            raise ValueError("a motion has neither cameras nor what is labelled in pictures")
        return self

    @property
    def related(self) -> frozenset[str]:
        """Names of the datasets that share images, recordings or subjects with this one."""
        return frozenset(other.dataset for other in self.overlaps)


def read_card(path: Path) -> Card:
    """The card in `path`.

    Raises:
        InputError: the TOML is broken, or a field is missing, unknown or of the wrong type.
    """
    return read_definition(Card, path, "dataset card")

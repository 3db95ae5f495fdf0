"""The recordings of a miniature EgoBody: which frames they have, and what is special there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ehpsbench.dataset_adapters.readers.egobody_sample import SPLITS, listed, write_tables

__all__ = ["BROKEN", "NO_FIT", "NO_PICTURE", "SPLITS", "Take", "plan", "write_takes"]

FEWEST_FRAMES, MOST_FRAMES, RECORDINGS = 4, 400, 10
BROKEN = {  # what is wrong with a frame → the rule that must find it
    "singular": "finite",  # the pose of the camera
    "no_camera": "finite",  # no line for it in the camera file
    "nan": "finite",
    "huge_shape": "ranges",
    "degrees": "angles",
    "behind": "in_front_of_camera",
    "aside": "box_inside_image",
}
INSIDE = ("invalid", "unlabelled", "dropped", *BROKEN)  # between a recording's start and end
NO_PICTURE, NO_FIT = ("dropped",), ("unlabelled",)


@dataclass(frozen=True, slots=True)
class Take:
    """A recording to write; `kinds` says of each frame what is special about it, or nothing."""

    index: int
    split: str
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """The owners' way: date, wearer, interactee, take."""
        wearer, interactee = 2 * self.index % 36 + 1, (2 * self.index + 1) % 36 + 1
        return f"recording_20210907_S{wearer:02d}_S{interactee:02d}_{self.index // 18 + 1:02d}"

    @property
    def gender(self) -> str:
        """The interactee's."""
        return ("female", "male")[self.index % 2]

    @property
    def body(self) -> int:
        """The interactee's index."""
        return self.index // 2 % 2

    @property
    def frames(self) -> list[int]:
        """Their numbers."""
        return [575 + 10 * self.index + i for i in range(len(self.kinds))]

    @property
    def range(self) -> tuple[int, int]:
        """First and last frame that count."""
        kinds = self.kinds
        inside = [f for f, k in zip(self.frames, kinds, strict=True) if k not in ("early", "late")]
        return inside[0], inside[-1]

    def listed(self) -> dict[str, str]:
        """The recording's row of data_info_release.csv."""
        other = "male" if self.gender == "female" else "female"
        people = {self.body: self.gender, 1 - self.body: other}
        return listed(self.name, self.body, (people[0], people[1]), self.range)


def plan(people: int, split: str | None) -> list[Take]:
    """Recordings of equal length; with everything, special frames in the first."""
    each = min(max(-(-people // RECORDINGS), FEWEST_FRAMES), MOST_FRAMES)
    sizes = [min(each, people - start) for start in range(0, people, each)]
    if split is not None:
        return [Take(i, split, ("",) * size) for i, size in enumerate(sizes)]
    sizes += [1] * max(len(SPLITS) - len(sizes), 0)
    takes = [Take(i, SPLITS[i % 3], ("",) * size) for i, size in enumerate(sizes)]
    mixed = [kind for special in INSIDE for kind in (special, "")][: len(takes[0].kinds) - 1]
    rest = [kind for kind in INSIDE if kind not in mixed]
    plain = [""] * (len(takes[0].kinds) - 1 - mixed.count(""))
    takes[0] = replace(takes[0], kinds=("early", *mixed, *plain, *rest, "", "late"))
    takes.append(Take(len(takes), "test", ("unlabelled", "unlabelled")))  # labels are withheld
    return takes


def write_takes(root: Path, takes: Sequence[Take]) -> None:
    """The two CSV files of the release."""
    write_tables(root, [take.listed() for take in takes], {t.name: t.split for t in takes})

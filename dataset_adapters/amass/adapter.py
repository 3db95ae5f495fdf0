"""AMASS: an npz a motion, of SMPL-H or SMPL-X, in a world with z up; no pictures, no cameras."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.amass.motion import gender_of, moving, read_motion
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import motion_columns
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

ENDINGS = {"_poses.npz": "smplh", "_stageii.npz": "smplx"}
BETTER = "smplx"  # of a motion that is there in both
NAMES = {  # that archives had before → have now
    "BioMotionLab_NTroje": "BMLrub",
    "DFaust_67": "DFaust",
    "MPI_HDM05": "HDM05",
    "MPI_mosh": "MoSh",
    "MPI_Limits": "PosePrior",
    "SSM_synced": "SSM",
    "TCD_handMocap": "TCDHands",
    "Transitions_mocap": "Transitions",
}
SPLITS = {  # the owners' lists; what is in none of them is train
    "HumanEva": "val",
    "HDM05": "val",
    "SFU": "val",
    "MoSh": "val",
    "Transitions": "test",
    "SSM": "test",
}


def units(release: Release) -> Iterator[Unit]:
    """One unit per motion.

    Raises:
        InputError: two files of one model hold the same motion.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in release.find("*/*/*.npz"):
        for ending, family in ENDINGS.items():
            if path.name.endswith(ending):
                archive, subject = (folder.name for folder in (path.parents[1], path.parent))
                stem = path.name.removesuffix(ending)
                models = found.setdefault(f"{NAMES.get(archive, archive)}/{subject}/{stem}", {})
                if family in models:
                    raise InputError(
                        f"{models[family]} and {path} are one motion: an archive is there under "
                        "its old and its new name. Leave one of them out."
                    )
                models[family] = path
    needs: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, models in found.items():
        family = BETTER if BETTER in models else next(iter(models))
        path, archive = models[family], name.partition("/")[0]
        if (archive, family) not in needs:
            needs[archive, family] = _needs(path, family)
        yield Unit(name, release, (path,), {"family": family}, needs[archive, family])


def _needs(path: Path, family: str) -> tuple[str, ...]:
    """The body models of an archive, by its first file: it is gendered or neutral."""
    genders = ("neutral",) if gender_of(path) == "neutral" else ("female", "male")
    return tuple(f"{family}/{gender}" for gender in genders)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Every frame of one motion in its upright frame.

    Raises:
        InputError: the file is broken or lacks something.
        MissingBody: its body model is not there.
    """
    archive, subject, _ = unit.name.split("/")
    family = str(unit.key["family"])
    motion = read_motion(unit.files[0], family)
    count, model = len(motion), bodies.model(family, motion.gender)
    frames = motion_columns(
        unit,
        np.arange(count),
        split=SPLITS.get(archive, "train"),
        sequence=unit.name,
        cluster=unit.name,
        fps=motion.fps,
        source_row=np.arange(count),
    )
    columns = person_identity(frames, np.arange(count), [subject] * count)
    columns |= {"subject": repeat(f"{archive}/{subject}", count), "track": repeat(subject, count)}
    if motion.gender != "neutral":
        columns["subject_gender"] = repeat(motion.gender, count)
    labels = replace(Labels.of(unit.release.card), family=family)
    columns |= body_columns(motion.fit, motion.gender, labels, bodies, world=columns)
    hands = {
        side: moving(motion.fit[f"{side}_pose"], getattr(model, f"{side}_mean"))
        for side in ("left_hand", "right_hand")
        if f"{side}_pose" in motion.fit
    }
    parts = ("body", "shape") if family == "smplx" else ("body",)
    columns |= validity(count, parts, **hands)
    return Instances(columns)

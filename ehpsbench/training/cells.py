"""A cell is one training run: training set × recipe × seed. Its id, its folder, what it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench import __version__
from ehpsbench.atomic import canonical_json, digest, write_text
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.evaluation.mesh.selection import check_bodies
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

CODE_VERSION = 1  # raise when the same recipe would train something else
WEIGHTS, RECORD, LOG, HELDOUT, STATE = (
    "checkpoint.safetensors",
    "cell.json",
    "log.jsonl",
    "heldout.json",
    "state.safetensors",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What decides the outcome of a run, and nothing else.

    Attributes:
        id: `<dataset>--<recipe>--s<seed>`.
        dataset: name in the store.
        splits: the splits trained on.
        recipe: name of the recipe.
        recipe_hash: of its content.
        seed: of the initial weights, the order of samples and the augmentation.
        data: fingerprint of the dataset's manifest.
        body_set: id of the bodies of the labels.
        code_version: of the training code.
    """

    id: str
    dataset: str
    splits: tuple[str, ...]
    recipe: str
    recipe_hash: str
    seed: int
    data: str
    body_set: str
    code_version: int = CODE_VERSION

    @property
    def hash(self) -> str:
        """Equal hashes: the same run."""
        return digest(asdict(self))


def cell_id(dataset: str, recipe: str, seed: int) -> str:
    """`<dataset>--<recipe>--s<seed>`."""
    return f"{dataset}--{recipe}--s{seed}"


def cell(
    store: Store,
    dataset: str,
    recipe: Recipe,
    seed: int,
    bodies: BodySet,
    *,
    splits: tuple[str, ...] | None = None,
) -> Cell:
    """The cell that `train` with these arguments would make."""
    manifest = store.manifest(dataset)
    check_bodies(store, dataset, bodies)
    chosen = splits or training_splits(dataset, list(manifest["splits"]))
    return Cell(
        id=cell_id(dataset, recipe.name, seed),
        dataset=dataset,
        splits=chosen,
        recipe=recipe.name,
        recipe_hash=recipe.hash,
        seed=seed,
        data=data_fingerprint(manifest, chosen),
        body_set=bodies.id,
    )


def data_fingerprint(manifest: dict[str, Any], splits: tuple[str, ...]) -> str:
    """Hash of what a dataset's manifest says of the rows, not of where or when they were read.

    Raises:
        UnknownName: the dataset has no such split.
    """
    for split in splits:
        if split not in manifest["splits"]:
            raise UnknownName.of("split", split, manifest["splits"])
    chosen = {split: manifest["splits"][split] for split in splits}
    return digest([manifest.get("fingerprint"), chosen])


def training_splits(dataset: str, splits: list[str]) -> tuple[str, ...]:
    """The splits whose name begins with "train".

    Raises:
        InputError: there are none; a benchmark's split is never trained on by default.
    """
    chosen = tuple(sorted(s for s in splits if s.lower().startswith("train")))
    if not chosen:
        raise InputError(
            f"{dataset} has no split called train…; it has {sorted(splits)}. "
            "Name the splits to train on."
        )
    return chosen


def is_done(store: Store, wanted: Cell) -> bool:
    """True when the run exists, complete, with the same content hash."""
    record = _read(store.runs / wanted.id / RECORD)
    weights = store.runs / wanted.id / WEIGHTS
    return record is not None and record["hash"] == wanted.hash and weights.is_file()


def write_record(folder: Path, done: Cell, recipe: Recipe, measured: dict[str, Any]) -> None:
    """Write cell.json, last of all: with it the run exists."""
    record = {
        "hash": done.hash,
        **asdict(done),
        **measured,
        "recipe_content": recipe.model_dump(mode="json"),
        "ehpsbench": __version__,
    }
    write_json(folder / RECORD, record)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file in one step."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_lines(path: Path, lines: list[str]) -> None:
    """Write a text file of lines in one step."""
    write_text(path, "".join(f"{line}\n" for line in lines))


def mean_pose_entry(dataset: str) -> str:
    """The entry of a training set's mean pose."""
    return f"{dataset}--mean-pose"


def record(store: Store, cell_id: str) -> dict[str, Any]:
    """cell.json of a finished run.

    Raises:
        UnknownName: there is no such run, or it did not finish.
    """
    found = _read(store.runs / cell_id / RECORD)
    if found is None:
        raise UnknownName.of("finished cell", cell_id, finished(store))
    return found


def finished(store: Store) -> list[str]:
    """Ids of the runs that finished."""
    return sorted(p.parent.name for p in store.runs.glob(f"*/{RECORD}"))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is broken ({error}). Delete the run's folder.") from error
    return found


def recipe_of(record: dict[str, Any]) -> Recipe:
    """The recipe that a run was trained with, as it was then."""
    return Recipe.model_validate_json(canonical_json(record["recipe_content"]))

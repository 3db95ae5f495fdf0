"""A cell is one training run: training set × recipe × seed. Its id, its folder, what it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench import __version__
from ehpsbench.atomic import canonical_json, digest, read_json, write_json
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.evaluation.mesh.selection import check_bodies
from ehpsbench.motions import refuse_motions
from ehpsbench.training.mix import Mix
from ehpsbench.training.origins import content_hash, pretrained_hash
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

CODE_VERSION = 3  # raise when the same recipe would train something else
WEIGHTS, RECORD, LOG, HELDOUT = (
    "checkpoint.safetensors",
    "cell.json",
    "log.jsonl",
    "heldout.json",
)
MEAN_POSE = "mean-pose.safetensors"
SINGLE = "single"  # how one dataset is mixed
_REMEDY = "Delete the run's folder."


@dataclass(frozen=True, slots=True)
class Cell:
    """What decides the outcome of a run, and nothing else.

    Attributes:
        id: `<dataset>--<recipe>--s<seed>`; the recipe with a piece of `start`, where there is one.
        dataset: name of the dataset in the store, or of the mix.
        parts: the datasets of the mix; one for a dataset.
        mix: strategy of the mix; "single" for a dataset.
        weights: of the parts, when weighted.
        splits: of each part, those trained on.
        recipe: name of the recipe.
        recipe_hash: of its content.
        seed: of the initial weights, the order of samples and the augmentation.
        data: fingerprint of the parts' manifests.
        body_set: id of the bodies of the labels.
        pretrained: hash of the file that the trunk starts from.
        start: hash of the weights that the whole network starts from.
        code_version: of the training code.
    """

    id: str
    dataset: str
    parts: tuple[str, ...]
    mix: str
    weights: tuple[float, ...] | None
    splits: tuple[tuple[str, ...], ...]
    recipe: str
    recipe_hash: str
    seed: int
    data: str
    body_set: str
    pretrained: str | None = None
    start: str | None = None
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
    dataset: str | Mix,
    recipe: Recipe,
    seed: int,
    bodies: BodySet,
    *,
    splits: tuple[str, ...] | None = None,
    weights: Path | None = None,
    start_from: str | Path | None = None,
) -> Cell:
    """The cell that `train` with these arguments would make.

    Args:
        store: with the data, and the cell to start from.
        dataset: name in the store, or a mix of several.
        recipe: how.
        seed: of everything random.
        bodies: the body set of the rows.
        splits: of a dataset; a mix names its own.
        weights: pretrained weights of the trunk, where the recipe wants some.
        start_from: a cell (or rung) of the store, or a weights file, for the whole network.

    Raises:
        InputError: a seed below 0, a dataset without pictures, or weights that the recipe has no
            place for.
    """
    if seed < 0:
        raise InputError(f"A seed is 0 or more, not {seed}.")
    mix = mix_of(dataset, splits)
    splits_of_parts, data = _rows(store, mix, bodies)
    start = None if start_from is None else content_hash(start_file(store, start_from))
    named = recipe.name if start is None else f"{recipe.name}-from-{start[:8]}"
    return Cell(
        id=cell_id(mix.name, named, seed),
        dataset=mix.name,
        parts=mix.parts,
        mix=mix.strategy if len(mix.parts) > 1 else SINGLE,
        weights=mix.weights if len(mix.parts) > 1 else None,
        splits=splits_of_parts,
        recipe=recipe.name,
        recipe_hash=recipe.hash,
        seed=seed,
        data=data,
        body_set=bodies.id,
        pretrained=pretrained_hash(recipe, weights, started=start is not None),
        start=start,
    )


def _rows(store: Store, mix: Mix, bodies: BodySet) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The splits of each part that are trained on, and one fingerprint of all their rows."""
    chosen, data = [], []
    for part in mix.parts:
        manifest = store.manifest(part)
        refuse_motions(store, part, "a model is trained on pictures")
        check_bodies(store, part, bodies)
        chosen.append(mix.splits.get(part) or training_splits(part, list(manifest["splits"])))
        data.append(data_fingerprint(manifest, chosen[-1]))
    return tuple(chosen), data[0] if len(data) == 1 else digest(data)


def mix_of(dataset: str | Mix, splits: tuple[str, ...] | None = None) -> Mix:
    """A mix as it is, a dataset as a mix of one."""
    if isinstance(dataset, Mix):
        if splits:
            raise InputError(f"The mix {dataset.name} names the splits of its parts itself.")
        return dataset
    return Mix(name=dataset, parts=(dataset,), splits={dataset: splits} if splits else {})


def budgeted(recipe: Recipe, samples_seen: int) -> Recipe:
    """The recipe with another budget and a name that says so; it warms up for a tenth at most."""
    if samples_seen < 1:
        raise InputError(f"A budget is one sample or more, not {samples_seen}.")
    if samples_seen == recipe.budget.samples_seen:
        return recipe
    warm_up = min(recipe.optimiser.warmup_samples, samples_seen // 10)
    return recipe.model_copy(
        update={
            "name": f"{recipe.name}-n{samples_seen}",
            "budget": recipe.budget.model_copy(update={"samples_seen": samples_seen}),
            "optimiser": recipe.optimiser.model_copy(update={"warmup_samples": warm_up}),
        }
    )


def start_file(store: Store, start_from: str | Path) -> Path:
    """The weights file that is named, or that of a cell or rung of the store."""
    if Path(start_from).is_file():
        return Path(start_from)
    record(store, str(start_from))
    return weights_path(store, str(start_from))


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


def entry(cell: str, until: int | None = None) -> str:
    """The name under which a cell is scored: itself, or `<cell>@<samples>` for a rung of it."""
    return cell if until is None else f"{cell}@{until}"


def weights_path(store: Store, entry: str) -> Path:
    """Where the weights of a cell or a rung lie."""
    cell, _, until = entry.partition("@")
    return store.runs / cell / (f"at-{until}.safetensors" if until else WEIGHTS)


def record_path(store: Store, entry: str) -> Path:
    """Where the record of a cell or a rung lies; with it, the weights count."""
    cell, _, until = entry.partition("@")
    return store.runs / cell / (f"at-{until}.json" if until else RECORD)


def is_done(store: Store, wanted: Cell, until: int | None = None) -> bool:
    """True when the run exists with the same content hash, complete, or up to a rung of it."""
    name = entry(wanted.id, until)
    found = read_json(record_path(store, name), _REMEDY)
    return (
        found is not None and found["hash"] == wanted.hash and weights_path(store, name).is_file()
    )


def write_record(
    store: Store, done: Cell, recipe: Recipe, measured: dict[str, Any], until: int | None = None
) -> None:
    """Write the record of a cell or a rung, last of all: with it the run exists."""
    record = {
        "hash": done.hash,
        **asdict(done),
        **measured,
        "recipe_content": recipe.model_dump(mode="json"),
        "ehpsbench": __version__,
    }
    write_json(record_path(store, entry(done.id, until)), record)


def mean_pose_entry(dataset: str) -> str:
    """The entry of a training set's mean pose."""
    return f"{dataset}--mean-pose"


def record(store: Store, entry: str) -> dict[str, Any]:
    """The record of a finished run, or of a rung `<cell>@<samples>`.

    Raises:
        UnknownName: there is no such run, or it did not get there.
    """
    found = read_json(record_path(store, entry), _REMEDY)
    if found is None:
        raise UnknownName.of("finished cell", entry, finished(store))
    return found


def trained(store: Store, entry: str) -> bool:
    """True where a cell is finished, or a rung of it is."""
    return record_path(store, entry).is_file()


def finished(store: Store) -> list[str]:
    """Ids of the runs that finished."""
    return sorted(p.parent.name for p in store.runs.glob(f"*/{RECORD}"))


def recipe_of(record: dict[str, Any]) -> Recipe:
    """The recipe that a run was trained with, as it was then."""
    return Recipe.model_validate_json(canonical_json(record["recipe_content"]))

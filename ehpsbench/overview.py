"""What there is: datasets that can be read, what a store holds of them, what is missing."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ehpsbench.body.sources import owners_file
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.selection import Wish, matching
from ehpsbench.errors import EhpsbenchError
from ehpsbench.evaluation import protocol
from ehpsbench.evaluation.available import lacking, way_to
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.store import Store

PACKAGES = ("torch", "numpy", "numba", "pyarrow", "duckdb", "polars")
EXTRAS = {  # package: the extra that brings it, what it is for
    "smplx": ("smplx", "to check bodies against the smplx package"),
    "datasets": ("hub", "Hugging Face's, for exports and load(as_='datasets')"),
    "h5py": ("hdf5", "to read releases in HDF5"),
    "submitit": ("slurm", "for --executor slurm"),
    "ray": ("ray", "for --executor ray"),
}


def dataset_overview(store: Store, wish: Wish | None = None) -> list[dict[str, Any]]:
    """One entry per dataset that can be read, with the people that the store holds of it.

    Args:
        store: where people may be.
        wish: what the datasets must be; None: all of them.
    """
    broken = broken_datasets(store)
    held = {name: store.manifest(name) for name in store.datasets() if name not in broken}
    return [
        {
            "name": card.name,
            "title": card.title,
            "year": card.year,
            "body": ", ".join(dict.fromkeys((card.body.family, card.body.gender))),
            "annotation": card.annotation,
            "scene": card.scene,
            "kind": card.kind,
            "has": list(card.has),
            "commercial": card.licence.commercial,
            "splits": list(card.splits),
            "stored": {n: _people(m) for n, m in held.items() if m["source_dataset"] == card.name},
        }
        for card in matching(map(catalogue.card, catalogue.names()), wish or Wish())
    ]


def broken_datasets(store: Store) -> dict[str, str]:
    """Datasets of the store whose manifest cannot be used, and why."""
    broken = {}
    for name in store.datasets():
        try:
            store.manifest(name)
        except EhpsbenchError as error:
            broken[name] = str(error)
    return broken


def _people(manifest: dict[str, Any]) -> dict[str, int]:
    return {split: account.get("instances", 0) for split, account in manifest["splits"].items()}


def health(store: Store, body_models: Path | None) -> list[dict[str, Any]]:
    """What works here, a line each: `what`, `state` (ok, missing, note), `detail`."""
    return [*_software(), *_bodies(body_models), *_store(store), *_protocols(store)]


def _line(what: str, state: str, detail: str) -> dict[str, Any]:
    return {"what": what, "state": state, "detail": detail}


def _software() -> list[dict[str, Any]]:
    lines = [_line("Python", "ok", platform.python_version())]
    for package in PACKAGES:
        found = _version(package)
        lines.append(_line(package, "ok" if found else "missing", found or "not installed"))
    for package, (extra, use) in EXTRAS.items():
        name, found = f"{package} (extra [{extra}])", _version(package)
        how = f"optional: pip install 'ehpsbench[{extra}]' {use}"
        lines.append(_line(name, "ok" if found else "note", found or how))
    import torch

    if torch.cuda.is_available():
        lines.append(_line("GPU", "ok", torch.cuda.get_device_name()))
    else:
        lines.append(_line("GPU", "note", "none; training runs on the CPU"))
    return lines


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _bodies(body_models: Path | None) -> list[dict[str, Any]]:
    from ehpsbench.body.bodies import find_bodies, open_bodies

    lines = [
        _line(f"open body ({size})", "ok", f"body set {open_bodies(size).id[:12]}")
        for size in ("full", "small")
    ]
    try:
        licensed = find_bodies(body_models)
        if licensed is None:
            hint = "none; releases of the owners need --body-models or EHPSBENCH_BODY_MODELS"
            return [*lines, _line("licensed bodies", "note", hint)]
        about = f"{licensed.name}, body set {licensed.id[:12]}"
    except EhpsbenchError as error:
        return [*lines, _line("licensed bodies", "missing", str(error))]
    files = [_licensed_file(name) for name in licensed.missing()]
    return [*lines, _line("licensed bodies", "ok", about), *files]


def _licensed_file(name: str) -> dict[str, Any]:
    """A file of the owners that is not there, and what it blocks as far as cards tell."""
    blocked = [f"dataset {n}" for n in catalogue.names() if _role(name) in _needs_of(n)]
    blocked += [f"benchmark {n}" for n in protocol.names() if name in _files_of(n)]
    if blocked:
        return _line("licensed file", "missing", f"{name}, needed by {', '.join(blocked)}")
    use = "children need it" if "kid" in name else "no dataset or benchmark needs it"
    return _line("licensed file", "note", f"{name} is not there; {use}")


def _role(file: str) -> str:
    """smplx/SMPLX_NEUTRAL.npz → smplx/neutral."""
    family, _, name = file.partition("/")
    return f"{family}/{Path(name).stem.rpartition('_')[2].lower()}"


def _needs_of(dataset: str) -> tuple[str, ...]:
    return catalogue.card(dataset).body.needs


def _files_of(benchmark: str) -> set[str]:
    """The owners' files that scoring on a benchmark opens, whatever its data needed."""
    rules = protocol.protocol(benchmark)
    if not isinstance(rules, MeshProtocol):
        return {owners_file(role) for role in getattr(rules, "body_roles", ())}
    return {owners_file(role) for role in rules.roles}


def _store(store: Store) -> list[dict[str, Any]]:
    names = store.datasets()
    if not names:
        return [_line("store", "note", f"{store.root} holds no datasets yet")]
    return [_stored(store, name) for name in names]


def _stored(store: Store, name: str) -> dict[str, Any]:
    try:
        people = sum(_people(store.manifest(name)).values())
    except EhpsbenchError as error:
        return _line(f"stored {name}", "missing", str(error))
    return _line(f"stored {name}", "ok", f"{people:,} people")


def _protocols(store: Store) -> list[dict[str, Any]]:
    """Which benchmarks can be scored with what the store holds; of others, what they wait for."""
    sound = set(store.datasets()) - set(broken_datasets(store))
    held = {(name, split) for name in sound for split in store.manifest(name)["splits"]}
    ready, waiting = [], dict[tuple[str, str], list[str]]()
    for name in protocol.names():
        rules = protocol.protocol(name)
        if (rules.dataset, rules.split) in held:
            lacks = lacking(store, rules)
            detail = rules.title if lacks is None else f"cannot be scored: {lacks}"
            ready.append(_line(f"benchmark {name}", "note" if lacks else "ok", detail))
        else:
            waiting.setdefault((rules.dataset, rules.split), []).append(name)
    return [*ready, *(_waiting(*data, names) for data, names in sorted(waiting.items()))]


def _waiting(dataset: str, split: str, names: list[str]) -> dict[str, Any]:
    """Benchmarks on data that the store lacks, and how it may come by them."""
    detail = f"{', '.join(names)}: {way_to(dataset, names[0])}"
    return _line(f"benchmarks on {dataset}/{split}", "note", detail)

"""What there is: datasets that can be read, what a store holds of them, what is missing."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.errors import EhpsbenchError
from ehpsbench.store import Store

PACKAGES = ("torch", "numpy", "pyarrow", "duckdb", "polars", "smplx", "datasets")


def dataset_overview(store: Store) -> list[dict[str, Any]]:
    """One entry per dataset that can be read, with the people that the store holds of it."""
    held = {name: manifest for name in store.datasets() if (manifest := _manifest(store, name))}
    return [
        {
            "name": card.name,
            "title": card.title,
            "year": card.year,
            "body": f"{card.body.family}, {card.body.gender}",
            "annotation": card.annotation,
            "scene": card.scene,
            "splits": list(card.splits),
            "stored": {n: _people(m) for n, m in held.items() if m["source_dataset"] == card.name},
        }
        for card in map(catalogue.card, catalogue.names())
    ]


def _manifest(store: Store, name: str) -> dict[str, Any] | None:
    """None where it is broken: `doctor` says so."""
    try:
        return store.manifest(name)
    except EhpsbenchError:
        return None


def _people(manifest: dict[str, Any]) -> dict[str, int]:
    return {split: account["instances"] for split, account in manifest["splits"].items()}


def health(store: Store, body_models: Path | None) -> list[dict[str, Any]]:
    """What works here, a line each: `what`, `state` (ok, missing, note), `detail`."""
    return [*_software(), *_bodies(body_models), *_store(store), *_protocols(store)]


def _line(what: str, state: str, detail: str) -> dict[str, Any]:
    return {"what": what, "state": state, "detail": detail}


def _software() -> list[dict[str, Any]]:
    lines = [_line("Python", "ok", platform.python_version())]
    for package in PACKAGES:
        try:
            lines.append(_line(package, "ok", version(package)))
        except PackageNotFoundError:
            optional = package in ("smplx", "datasets")
            extra = {"smplx": "smplx", "datasets": "hub"}.get(package, "")
            hint = f"optional: pip install 'ehpsbench[{extra}]'" if optional else "not installed"
            lines.append(_line(package, "note" if optional else "missing", hint))
    import torch

    if torch.cuda.is_available():
        lines.append(_line("GPU", "ok", torch.cuda.get_device_name()))
    else:
        lines.append(_line("GPU", "note", "none; training runs on the CPU"))
    return lines


def _bodies(body_models: Path | None) -> list[dict[str, Any]]:
    from ehpsbench.body.bodies import find_bodies, open_bodies

    lines = [
        _line(f"open body ({size})", "ok", f"body set {open_bodies(size).id[:12]}")
        for size in ("full", "small")
    ]
    try:
        licensed = find_bodies(body_models)
    except EhpsbenchError as error:
        return [*lines, _line("licensed bodies", "missing", str(error))]
    if licensed is None:
        hint = "none; releases of the owners need --body-models or EHPSBENCH_BODY_MODELS"
        return [*lines, _line("licensed bodies", "note", hint)]
    lines.append(_line("licensed bodies", "ok", f"{licensed.name}, body set {licensed.id[:12]}"))
    for missing in licensed.missing():
        lines.append(_line("licensed file", "missing", missing))
    here = set(licensed.roles)
    for name in catalogue.names():
        absent = sorted(set(catalogue.card(name).body.needs) - here)
        if absent:
            lines.append(_line(f"dataset {name}", "missing", f"needs {', '.join(absent)}"))
    return lines


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
    """Which benchmarks can be scored with what the store holds."""
    from ehpsbench.evaluation import protocol

    lines = []
    for name in protocol.names():
        rules = protocol.protocol(name)
        if rules.dataset in store.datasets():
            lines.append(_line(f"benchmark {name}", "ok", rules.title))
        else:
            needs = f"needs the dataset {rules.dataset} in the store"
            lines.append(_line(f"benchmark {name}", "note", needs))
    return lines

"""The run record: what the numbers were made with, and of, and how to make them again."""

from __future__ import annotations

import json
from typing import Any

import ehpsbench
from ehpsbench.errors import EhpsbenchError
from ehpsbench.evaluation.explained import explained
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.evaluation.protocol import protocol as protocol_named
from ehpsbench.leaderboards.board import board as find_board
from ehpsbench.leaderboards.rankings import SUFFIX, found_path
from ehpsbench.reports.given import Given
from ehpsbench.reports.repeat import commands
from ehpsbench.reports.section import Section
from ehpsbench.reports.words import listed

ORDER = 130


def section(given: Given) -> Section:
    """Versions, hashes, recipes, data, protocols, cells, hardware, time and commands."""
    context = {
        "board": _board(given),
        "versions": _versions(given),
        "bodies": _bodies(given),
        "recipes": _recipes(given),
        "datasets": _datasets(given),
        "protocols": [_protocol(summary) for summary in given.protocols],
        "cells": [_cell(cell) for cell in given.cells],
        "cost": _cost(given),
        "steps": commands(given),
    }
    return Section("record", "Run record", "record.html.j2", context, "Record")


def _board(given: Given) -> str:
    """Name and version as the ranking's own record has them, and where today's differ."""
    said = given.standings.board
    words = f"{said['name']}, version {said['version']}"
    if given.store is not None:
        kept = found_path(given.store, said["name"], SUFFIX).name.removesuffix(SUFFIX)
        words += f", ranked under its former name {kept}" if kept != said["name"] else ""
    try:
        today = find_board(said["name"])
    except EhpsbenchError:
        return words
    if today.hash == said["hash"]:
        return words
    return f"{words}; today's {today.name} is version {today.version} and differs"


def _versions(given: Given) -> list[tuple[str, str]]:
    """(program, versions) of the page, the data, the runs and the results."""
    made: dict[str, set[Any]] = {
        "This page": {ehpsbench.__version__},
        "Data": {m.get("ehpsbench_version") for m in given.datasets},
        "Runs": {c.get("ehpsbench") for c in given.cells},
        "Results": {p.get("ehpsbench_version") for p in given.protocols},
    }
    lines = [
        (what, f"ehpsbench {listed(sorted(known))}")
        for what, versions in made.items()
        if (known := {v for v in versions if v})
    ]
    torches = sorted({c["torch"] for c in given.cells if c.get("torch")})
    return [*lines, ("PyTorch of the runs", listed(torches))] if torches else lines


def _bodies(given: Given) -> list[dict[str, Any]]:
    found = {d["body_set"]["id"]: d["body_set"] for d in given.datasets if d["body_set"]}
    return [b | {"open": b["name"].startswith("open")} for b in found.values()]


def _recipes(given: Given) -> list[dict[str, str]]:
    found = {c["recipe_hash"]: c for c in given.cells}
    return [
        {
            "name": c["recipe"],
            "hash": key,
            "words": c["recipe_content"]["about"],
            "content": json.dumps(c["recipe_content"], indent=1, ensure_ascii=False),
        }
        for key, c in found.items()
    ]


def _datasets(given: Given) -> list[dict[str, str]]:
    rows = []
    for manifest in given.datasets:
        splits = manifest["splits"].values()
        layout = "HumanData" if manifest["layout"] == "humandata" else "owners' layout"
        made = ", miniature made by ehpsbench" if manifest["miniature"] else ""
        limit = f", first {manifest['limit']:,} people only" if manifest["limit"] else ""
        refused = [f"{count:,} {rule}" for rule, count in manifest["rejects"].items()]
        rows.append(
            {
                "dataset": manifest["dataset"],
                "source": f"{manifest['source_dataset']} ({layout}{made}{limit})",
                "people": f"{sum(s['instances'] for s in splits):,}",
                "images": f"{sum(s['images'] for s in splits):,}",
                "rejects": ", ".join(refused) or "0",
                "labels": manifest["labels"],
                "adapter": str(manifest["adapter_version"]),
                "fingerprint": manifest["fingerprint"],
            }
        )
    return rows


def _protocol(summary: dict[str, Any]) -> dict[str, Any]:
    rules = _rules(summary)
    return {
        "name": summary["benchmark"],
        "title": summary.get("title", ""),
        "split": f"{summary['dataset']}/{summary['split']}",
        "version": summary["protocol_version"],
        "hash": summary["protocol_hash"],
        "data": summary["data"],
        "scored": f"{summary['scored']:,}",
        "removed": f"{summary['removed_by_checks']:,}",
        "about": "" if rules is None else " ".join(rules.about.split()),
        "source": "" if rules is None else " ".join(rules.source.split()),
        "lines": [] if rules is None else explained(rules),
    }


def _rules(summary: dict[str, Any]) -> Protocol | None:
    """The protocol as it is now, where it is still the one that the result was made by."""
    try:
        rules = protocol_named(summary["benchmark"])
    except EhpsbenchError:
        return None
    return rules if rules.hash == summary["protocol_hash"] else None


def _cell(cell: dict[str, Any]) -> dict[str, str]:
    seconds = cell["seconds"]
    return {
        "id": cell["id"],
        "seed": str(cell["seed"]),
        "rows": f"{cell['training_rows']:,}",
        "samples": f"{cell['samples_seen']:,}",
        "device": _device(cell),
        "seconds": f"{seconds['training']:,.0f}",
        "hash": cell["hash"],
        "data": cell["data"],
    }


def _device(cell: dict[str, Any]) -> str:
    """What it ran on: `4 × cuda (NVIDIA …)`, `cpu, 1 thread`."""
    ranks, threads = cell.get("ranks") or 1, cell.get("threads")
    name = cell["device"] if ranks == 1 else f"{ranks} × {cell['device']}"
    if cell["device"] != "cpu" or not threads:
        return name
    return f"{name}, {threads} thread{'' if threads == 1 else 's'}"


def _cost(given: Given) -> str:
    """Time and samples of all cells, in words; empty without cells."""
    if not given.cells:
        return ""
    hours = sum(c["seconds"]["training"] * (c.get("ranks") or 1) for c in given.cells) / 3600
    samples = sum(c["samples_seen"] for c in given.cells)
    devices = listed(sorted({_device(cell) for cell in given.cells}))
    spent = f"{hours:,.1f} device hours" if hours >= 1 else f"{60 * hours:,.1f} device minutes"
    cells = "1 cell" if len(given.cells) == 1 else f"{len(given.cells)} cells"
    return f"{cells}, {samples:,} samples seen, {spent}, on {devices}."

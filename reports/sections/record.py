"""The run record: what the numbers were made with, and of."""

from __future__ import annotations

import json
from typing import Any

from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section

ORDER = 130


def section(given: Given) -> Section:
    """Versions, hashes, recipes, data, protocols and cells."""
    context = {
        "bodies": _bodies(given),
        "recipes": _recipes(given),
        "datasets": _datasets(given),
        "protocols": _protocols(given),
    }
    return Section("record", "Run record", "record.html.j2", context)


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
            "content": json.dumps(c["recipe_content"], indent=1),
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
                "fingerprint": manifest["fingerprint"][:12],
            }
        )
    return rows


def _protocols(given: Given) -> list[dict[str, Any]]:
    return [
        {
            "name": p["benchmark"],
            "split": f"{p['dataset']}/{p['split']}",
            "version": p["protocol_version"],
            "hash": p["protocol_hash"][:12],
            "scored": f"{p['scored']:,}",
            "removed": f"{p['removed_by_checks']:,}",
        }
        for p in given.protocols
    ]

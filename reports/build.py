"""One offline HTML file from what was gathered: template, style and script inside it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ehpsbench
from ehpsbench.atomic import write_text
from ehpsbench.leaderboards.convergence import LIMIT
from ehpsbench.leaderboards.table import BenchmarkFacts, Standing, Value
from ehpsbench.reports.certainty import beats, left_out
from ehpsbench.reports.data import ReportData
from ehpsbench.reports.examples import Example
from ehpsbench.reports.figures import colour_of, heat, learning_curves
from ehpsbench.reports.halving import halving

TEMPLATES = Path(__file__).with_name("templates")
BAR = (8.0, 192.0)  # left and right end of the interval bars, in their own units


def write_report(path: Path, data: ReportData, examples: Sequence[Example] = ()) -> Path:
    """Write the page to `path`, whole; returns it."""
    write_text(path, page(data, examples))
    return path


def page(data: ReportData, examples: Sequence[Example] = ()) -> str:
    """The HTML of a report; equal data give equal text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    groups = [row.name for row in data.standings.rows]
    few = [b.id for b in data.standings.benchmarks if b.few_clusters]
    lines, endings = _rows(data), _endings(data)
    return environment.get_template("report.html.j2").render(
        data=data,
        version=ehpsbench.__version__,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
        standings_json=Markup(_script_safe(data.standings.as_dict())),
        curves=Markup(learning_curves(data.curves, groups)),
        summary=_summary(data),
        rows=lines,
        halving=halving(data.halved),
        marked=any(line["marks"] for line in lines),
        checked=any(line["check"] for line in lines),
        any_in_domain=any(line["trained_on"] for line in lines),
        level=round(100 * data.standings.level),
        beats=beats(data.standings),
        left_out=left_out(data.standings),
        endings=endings,
        unconverged=sum(e["unconverged"] for e in endings),
        limit=round(100 * LIMIT),
        colours={name: colour_of(groups, name) for name in groups},
        few=_words(few),
        few_count=len(few),
        examples=examples,
        example_text=_example_text(examples),
        bodies=_bodies(data),
        recipes=_recipes(data),
        datasets=_datasets(data),
        protocols=_protocols(data),
    )


def _script_safe(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _summary(data: ReportData) -> str:
    ranked = [row for row in data.standings.rows if row.tie_group is not None]
    count = len(data.standings.rows)
    if not ranked:
        return f"{count} training sets; none has results on all benchmarks, so none is ranked."
    best = [row.name for row in ranked if row.tie_group == 1]
    verb = "leads" if len(best) == 1 else "lead, and cannot be told apart"
    error = ranked[0].mpe.mean
    return (
        f"{count} training sets, all under one budget, {len(data.standings.benchmarks)} "
        f"benchmarks. {_words(best)} {verb}: mean primary error {error:.1f} mm."
    )


def _words(names: Sequence[str]) -> str:
    return (
        names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
    )


def _number(value: float, digits: int = 1, sign: bool = False) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def _interval(value: Value, sign: bool = False) -> str:
    if not math.isfinite(value.low):
        return ""
    return f"{_number(value.low, sign=sign)} to {_number(value.high, sign=sign)}"


def _sortable(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else ""


def _rows(data: ReportData) -> list[dict[str, Any]]:
    """The lines of the ranking and of the matrix."""
    standings = data.standings
    groups = [row.name for row in standings.rows]
    columns = {b.id: [r.errors[b.id].mean for r in standings.rows] for b in standings.benchmarks}
    scale = _scale([row.mpe for row in standings.rows])
    return [
        {
            "line": line,
            "name": row.name,
            "about": (data.about or {}).get(row.name, ""),
            "colour": colour_of(groups, row.name),
            "rank": row.mpe.rank or "–",
            "rank_low": row.mpe.rank_low or "",
            "ranks": _ranks(row.mpe),
            "mpe": _number(row.mpe.mean),
            "mpe_value": _sortable(row.mpe.mean),
            "interval": _interval(row.mpe),
            "bar": _bar(row.mpe, scale),
            "tie_group": row.tie_group or "–",
            "missing": ", ".join(row.missing),
            "zero_shot": _number(row.zero_shot.mean, sign=True),
            "zero_shot_value": _sortable(row.zero_shot.mean),
            "seeds": len(row.entries),
            "range": _range(row.rank_range),
            "range_low": row.rank_range[0] if row.rank_range else "",
            "out_of_domain": _number(row.out_of_domain.mean),
            "out_of_domain_value": _sortable(row.out_of_domain.mean),
            "out_of_domain_interval": _interval(row.out_of_domain),
            "trained_on": ", ".join(row.in_domain),
            "marks": row.marks,
            "check": row.own_people,
            "cells": [_cell(row, b, columns[b.id]) for b in standings.benchmarks],
        }
        for line, row in enumerate(standings.rows, 1)
    ]


def _ranks(value: Value) -> str:
    if value.rank_low is None or value.rank_high is None:
        return "–"
    return _range((value.rank_low, value.rank_high))


def _range(ends: tuple[int, int] | None) -> str:
    if ends is None:
        return "–"
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


def _endings(data: ReportData) -> list[dict[str, Any]]:
    """A line for each cell whose curve is long enough."""
    words = {"converged": "✓ converged", "falling": "✗ still falling", "rising": "✗ rising"}
    return [
        {
            "group": row.name,
            "cell": end.cell,
            "error": _number(end.error_mm),
            "slope": _number(end.slope_mm, 2, sign=True),
            "slope_value": _sortable(end.slope_mm),
            "slope_error": _number(end.slope_error_mm, 2),
            "share": _number(100 * end.slope_mm / end.error_mm, 2, sign=True),
            "share_value": _sortable(100 * end.slope_mm / end.error_mm),
            "end": words[end.end],
            "unconverged": end.end != "converged",
        }
        for row in data.standings.rows
        for end in row.endings
    ]


def _scale(values: Sequence[Value]) -> tuple[float, float]:
    """Lowest and highest end of all intervals."""
    ends = [e for v in values for e in (v.low, v.high, v.mean) if math.isfinite(e)]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _bar(value: Value, scale: tuple[float, float]) -> dict[str, str] | None:
    if not math.isfinite(value.mean):
        return None
    span = (scale[1] - scale[0]) or 1.0

    def place(number: float) -> str:
        share = (number - scale[0]) / span
        return f"{BAR[0] + share * (BAR[1] - BAR[0]):.1f}"

    low, high = (e if math.isfinite(e) else value.mean for e in (value.low, value.high))
    return {"low": place(low), "high": place(high), "mean": place(value.mean)}


def _cell(row: Standing, benchmark: BenchmarkFacts, column: Sequence[float]) -> dict[str, Any]:
    value = row.errors[benchmark.id]
    known = [v for v in column if math.isfinite(v)]
    if not math.isfinite(value.mean):
        return {
            "text": "–", "interval": "", "value": "", "in_domain": False, "best": False,
            "background": "transparent", "ink": "inherit",
        }  # fmt: skip
    background, ink = heat(value.mean, min(known), max(known))
    return {
        "text": _number(value.mean),
        "interval": _interval(value),
        "value": _sortable(value.mean),
        "in_domain": benchmark.id in row.in_domain,
        "best": value.mean == min(known),
        "background": background,
        "ink": ink,
    }


def _example_text(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    kinds = {e.drawn for e in examples}
    what = "The true mesh and the predicted ones over the person's crop."
    if kinds == {"skeleton"}:
        what = (
            "True and predicted skeletons only: images and meshes of licensed releases are drawn "
            "when asked for (--embed-images, --embed-meshes) and where the licence allows it."
        )
    return f"{what} People at the median error of the leading training set."


def _bodies(data: ReportData) -> list[dict[str, Any]]:
    found = {d["body_set"]["id"]: d["body_set"] for d in data.datasets if d["body_set"]}
    return [b | {"open": b["name"].startswith("open")} for b in found.values()]


def _recipes(data: ReportData) -> list[dict[str, str]]:
    found = {c["recipe_hash"]: c for c in data.cells}
    return [
        {
            "name": c["recipe"],
            "hash": key,
            "words": c["recipe_content"]["about"],
            "content": json.dumps(c["recipe_content"], indent=1),
        }
        for key, c in found.items()
    ]


def _datasets(data: ReportData) -> list[dict[str, str]]:
    rows = []
    for manifest in data.datasets:
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


def _protocols(data: ReportData) -> list[dict[str, Any]]:
    return [
        {
            "name": p["benchmark"],
            "split": f"{p['dataset']}/{p['split']}",
            "version": p["protocol_version"],
            "hash": p["protocol_hash"][:12],
            "scored": f"{p['scored']:,}",
            "removed": f"{p['removed_by_checks']:,}",
        }
        for p in data.protocols
    ]

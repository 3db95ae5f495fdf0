"""Cost against error, and the size of the data against the rank."""

from __future__ import annotations

import math

from ehpsbench.reports.facts import facts
from ehpsbench.reports.figures.scatter import Axis, Dot, known, scatter
from ehpsbench.reports.given import Given
from ehpsbench.reports.scores import score_label
from ehpsbench.reports.section import Section
from ehpsbench.reports.theme import colour_of

ORDER = 55


def section(given: Given) -> Section | None:
    """Two figures; None where nothing is known of any row's cells."""
    from markupsafe import Markup

    behind = facts(given)
    rows = [row for row in given.standings.rows if row.tie_group is not None]
    tints = {row.name: colour_of(given.names, row.name) for row in rows}
    cost = known(
        [
            Dot(row.name, behind[row.name].seconds, row.mpe.mean, row.mpe.low, row.mpe.high,
                tints[row.name])
            for row in rows
        ]
    )  # fmt: skip
    size = known(
        [
            Dot(row.name, behind[row.name].people, row.mpe.rank or math.nan,
                row.mpe.rank_low or math.nan, row.mpe.rank_high or math.nan, tints[row.name])
            for row in rows
        ]
    )  # fmt: skip
    if not cost and not size:
        return None
    label = score_label(given.standings)
    rank = Axis("rank, with its interval", down=True, whole=True)
    devices = sorted({d for found in behind.values() for d in found.devices})
    samples = sorted({f.samples for f in behind.values() if math.isfinite(f.samples)})
    context = {
        "cost": Markup(
            scatter(cost, Axis("seconds of training a seed"), Axis(label),
                    f"{given.prefix}cost-figure", "Cost against error")
        ),
        "size": Markup(
            scatter(size, Axis("people trained on", log=True), rank,
                    f"{given.prefix}size-figure", "Size of the data against the rank")
        ),
        "devices": devices,
        "samples": [f"{count:,.0f}" for count in samples],
    }  # fmt: skip
    return Section("cost", "Cost and size", "cost.html.j2", context, menu="Cost")

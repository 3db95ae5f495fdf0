"""What the page says of successive halving: who stopped where, and what it saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def halving(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Where each dataset was last looked at, and the cost, in words.

    Args:
        found: the record of halving; None where the ranking goes back to none.
    """
    if found is None:
        return None
    return {
        "rows": [_row(place) for place in found["places"]],
        "top": found["top"],
        "samples": f"{found['samples']:,}",
        "full": f"{found['full_samples']:,}",
        "share": round(100 * found["samples"] / found["full_samples"]),
    }


def _row(place: Mapping[str, Any]) -> dict[str, str]:
    low, high = place["rank_low"], place["rank_high"]
    ranks = str(low) if low == high else f"{low}–{high}"
    return {
        "name": place["name"],
        "samples": f"{place['samples']:,}",
        "samples_value": str(place["samples"]),
        "mpe": "–" if place["mpe_mm"] is None else f"{place['mpe_mm']:.1f}",
        "ranks": ranks if place["judged"] else "–",
        "why": f"stopped: {place['why']}" if place["stopped"] else place["why"],
    }

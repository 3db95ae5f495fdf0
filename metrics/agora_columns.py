"""Names of AGORA's statistics and numbers; no torch, so that protocols can be read without it."""

from __future__ import annotations

PARTS = ("body", "left_hand", "right_hand", "face")
ERRORS = tuple(f"{part}_{error}" for part in PARTS for error in ("mpjpe", "mve"))
COUNTS = ("people", "missed", "looked_at")
SUMS = (*COUNTS, *(f"{name}_sum" for name in ERRORS))
COLUMNS: tuple[str, ...] = ("false_positives", *SUMS, *(f"kid_{name}" for name in SUMS))
RATES = ("precision", "recall", "f1")


def number_names(variant: str) -> tuple[str, ...]:
    """Names of the numbers of a variant, `official` or `matched`."""
    parts = ("body", "fullbody") if variant == "official" else (*PARTS, "fullbody")
    means = (*ERRORS, "fullbody_mpjpe", "fullbody_mve")
    ratios = (f"{part}_{error}" for part in parts for error in ("nmje", "nmve"))
    names = (*RATES, *means, *ratios)
    return (*names, *(f"kid_{name}" for name in names))

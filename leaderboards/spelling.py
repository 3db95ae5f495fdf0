"""Names of numbers as papers write them: `pa_mpjpe` is PA-MPJPE, `miou` is mIoU."""

from __future__ import annotations

WITHIN = "within_"  # degrees
WHOLE = {
    "abs_rel": "AbsRel",
    "sq_rel": "SqRel",
    "delta1": "δ1",
    "delta2": "δ2",
    "delta3": "δ3",
}
WORDS = {
    "aacc": "aAcc",
    "acc": "Acc",
    "flops": "FLOPs",
    "iou": "IoU",
    "macc": "mAcc",
    "miou": "mIoU",
    "silog": "SILog",
}
CAPITALS = frozenset(
    "ap ap50 ap75 ar ar50 ar75 auc f f1 mpe mpjpe mpvpe mve nmje nmve pa pck pve rmse".split()
)


def spelled(number: str) -> str:
    """The name of a number for people to read; what is no such name stays as it is.

    >>> spelled("pa_pve_hands"), spelled("pck_0.05"), spelled("abs_rel"), spelled("mean rank")
    ('PA-PVE hands', 'PCK@0.05', 'AbsRel', 'mean rank')
    """
    if number in WHOLE:
        return WHOLE[number]
    if number.startswith(WITHIN):
        return f"within {number.removeprefix(WITHIN).replace('_', '.')}°"
    words = [w.upper() if w in CAPITALS else WORDS.get(w, w) for w in number.split("_")]
    joined = {"PA": "-", "F": "@", "PCK": "@"}
    return "".join(f"{word}{joined.get(word, ' ')}" for word in words).rstrip(" -@")

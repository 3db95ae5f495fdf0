"""The page of metrics: a row for each card, and why one of them is not a library's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ehpsbench.metrics import catalogue

HEAD = """\
# Metrics

Made from the cards of `metrics/` by `python -m ehpsbench.evaluation.metrics_page`; a test holds
it to them. Each is a pure function on tensors: `from ehpsbench.metrics import pve;
pve.score(pred, target)`. Lengths go in as metres. Which points, roots and people a benchmark
takes is said by its protocol (`ehpsbench protocol show NAME`); the last column says which
protocols ask for a metric. What none asks for is called from Python: {alone}. The landmarks that
`body_measurements` wants are, for the bodies of a store, `body_landmarks(bodies)` of
`ehpsbench.evaluation.mesh.landmarks`.

MPJPE of hands (`mpjpe_hands`) is in `ehf-smplestx-compat` alone: of the official codes only
SMPLest-X prints it, and there by a bug the truth stays where it stands in the camera. OSX and
SMPLer-X, whom the other protocols follow, print none.

| metric | unit | definition | follows | where others differ | undefined | protocols |
|---|---|---|---|---|---|---|
"""
TAIL = """
## Why average precision is our own

A library (`faster-coco-eval`, `xtcocotools`, `pycocotools`) returns ten numbers of a whole set.
Here a result keeps what each image gives (`matches`: which detections are right, wrong or do not
count), and the numbers follow from these rows: the 95 % interval ranks 1,000 weighted resamples
of them, without matching anew, and numbers made again from a stored result need the same. The
libraries rank one set at a time, and hand out no such rows to be stored. `faster-coco-eval` is
the one that ours is held to, as a test dependency: on random people with ties, crowds, doubles
and people without labelled joints the ten numbers of all six groups, up to the 133 joints of
COCO-WholeBody, agree to 1e-9 (`tests/metrics/test_keypoint_ap_of_random_people.py`), once the
library is told what xtcocotools corrects: annotation ids from 1, people ignored by the joints of
the group, detections without confidence left out. What pycocotools, xtcocotools, COCO-WholeBody's
scripts and mmpose returned for stored people is reproduced to 1e-9 too
(`tests/metrics/test_keypoint_ap.py`).

`python benchmarks/keypoints2d.py --images 1000` (2,468 people, 4,936 detections, one thread;
`--group body` for 17 joints) prints, for the ten numbers of one group (a busy machine with two
cores, November 2026: set the rows beside each other):

| | 133 joints | 17 joints | largest difference to the loop |
|---|---|---|---|
| NumPy loop, as pycocotools is written | 2.45 s | 1.82 s | |
| `faster-coco-eval` 1.8 | 1.03 s | 0.46 s | 1.1e-16 |
| ours | 0.64 s | 0.10 s | 4.4e-16 |
| 1,000 resamples of ours | 2.16 s | 2.09 s | |
"""


def page(protocols: Mapping[str, Sequence[str]]) -> str:
    """The Markdown page: one row for each metric, by name.

    Args:
        protocols: of each metric the names of those that ask for it.
    """
    alone = [f"`{name}`" for name in catalogue.names() if not protocols[name]]
    rows = "".join(_row(name, protocols[name]) for name in catalogue.names())
    return HEAD.format(alone=", ".join(alone)) + rows + TAIL


def _row(name: str, protocols: Sequence[str]) -> str:
    card = catalogue.card(name)
    arrow = {"lower": "↓", "higher": "↑"}[card.better]
    cells = (
        f"`{name}`: {card.title}",
        f"{card.unit} {arrow}",
        card.definition,
        card.source,
        card.others or "–",
        card.undefined,
        ", ".join(f"`{each}`" for each in protocols) or "none",
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"

"""The rules of the ingest once more, on the rows as they are stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench import checks
from ehpsbench.curation.validation.findings import Findings
from ehpsbench.schema import Columns, from_arrow, present
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["FARTHEST", "KINEMATIC", "check_relations", "check_rows"]

AGAIN = "Ingest {name} again; if it stays, the adapter or the release is wrong."
KINEMATIC = 22  # joints that both a body and most keypoint sets have
FARTHEST = 0.15  # of the box: median distance of keypoints from the body that is still right
ROWS = 1024
SAME = (
    "global_orient, body_pose, left_hand_pose, right_hand_pose, left_hand_orient, "
    "right_hand_orient, transl, left_hand_transl, right_hand_transl, vertices_path"
)
ALWAYS, OF_PICTURES = ("instance_id", "image_id", "split"), ("image_path", "height", "width")
ABOUT_IMAGES = ("image_not_in_table", "image_size_differs")  # rules that motions cannot break
# name of the rule → SQL for rows that break it, and what the first column of an answer is
RELATIONS = {
    "duplicate_id": (
        "SELECT instance_id, count(*) FROM instances WHERE dataset = ? GROUP BY 1 "
        "HAVING count(*) > 1"
    ),
    "duplicate_image": (
        "SELECT image_id, count(*) FROM images WHERE dataset = ? GROUP BY 1 HAVING count(*) > 1"
    ),
    "same_person_twice": (
        "SELECT min(instance_id), count(*) FROM instances WHERE dataset = ? AND owner_valid IS "
        "DISTINCT FROM false AND coalesce("
        "transl, left_hand_transl, right_hand_transl) IS NOT NULL "
        f"GROUP BY image_id, {SAME} HAVING count(*) > 1"
    ),
    "image_not_in_table": (
        "SELECT instance_id, image_id FROM instances WHERE dataset = ? AND image_id NOT IN "
        "(SELECT image_id FROM images)"
    ),
    "image_size_differs": (
        "SELECT i.instance_id, m.width FROM instances i JOIN images m USING (image_id) WHERE "
        "i.dataset = ? AND (i.width != m.width OR i.height != m.height OR "
        "i.orientation != m.orientation OR i.image_path != m.image_path)"
    ),
}


def check_relations(store: Store, name: str, found: Findings) -> None:
    """Ids that come twice, people that come twice, people without an image."""
    with store.connect() as connection:
        for rule, statement in RELATIONS.items():
            if rule in ABOUT_IMAGES and not store.pictured(name):
                continue
            answer = connection.execute(
                f"SELECT count(*), min(a), min(b) FROM ({statement}) AS broken(a, b)", [name]
            ).fetchone()
            if answer is not None and answer[0]:
                example = f"{answer[1]}: {answer[2]}"
                found.add(rule, int(answer[0]), example, AGAIN.format(name=name))


def check_rows(
    store: Store,
    name: str,
    bodies: BodySet | None,
    found: Findings,
    progress: Callable[[int], None],
) -> dict[str, float]:
    """Every rule of `checks.RULES` on every stored row; and do the keypoints lie on the bodies?

    Args:
        store: with the dataset.
        name: of the dataset.
        bodies: of the labels; None leaves out what needs joints.
        found: takes the findings.
        progress: called with people done.

    Returns:
        Measures by name.
    """
    root, people = store.release_root(name), 0
    distances: list[NDArray[np.float64]] = []
    for split in store.manifest(name)["splits"]:
        for table in store.batches("instances", name, split, _columns(store), ROWS):
            columns = from_arrow(table)
            _rules(columns, bodies, store, name, found)
            if bodies is not None:
                distances.append(_off_the_body(columns, bodies, root))
            people += table.num_rows
            progress(people)
    every = np.concatenate([*distances, np.empty(0)])
    if not len(every):
        return {}
    median = float(np.median(every))
    if median > FARTHEST:
        example = f"half of the people have them {median:.0%} of their box or more away"
        found.add("keypoints_on_body", len(every), example, AGAIN.format(name=name))
    return {"median distance of labelled keypoints from the body [% of the box]": 100 * median}


def _columns(store: Store) -> list[str]:
    from ehpsbench.schema import INSTANCES

    return list(INSTANCES.names)


def _rules(
    columns: Columns, bodies: BodySet | None, store: Store, name: str, found: Findings
) -> None:
    ids: Any = columns["instance_id"]
    root, pictured = store.release_root(name), store.pictured(name)
    for finding in checks.findings(columns, bodies, root, pictured=pictured):
        value = finding.values[0]
        example = f"{ids[finding.rows[0]]}: {finding.column} = {value:.6g}"
        found.add(finding.rule, len(finding.rows), example, AGAIN.format(name=name))
    for column in (*ALWAYS, *(OF_PICTURES if pictured else ())):
        here = present(columns[column]) if column in columns else np.zeros(len(ids), bool)
        if not here.all():
            example = f"{ids[int(np.flatnonzero(~here)[0])]}: {column}"
            found.add("null", int((~here).sum()), example, AGAIN.format(name=name))


def _off_the_body(columns: Columns, bodies: BodySet, root: Path) -> NDArray[np.float64]:
    """(n,) of people with labelled 2D keypoints: their median distance, as a share of the box."""
    from ehpsbench.body.posed import posed_joints

    if "keypoints2d" not in columns or "focal" not in columns or "bbox" not in columns:
        return np.empty(0)
    joints, has = posed_joints(columns, bodies, root)
    has &= np.nan_to_num(joints[..., 2]) > 0
    points = np.ma.filled(np.ma.asarray(columns["keypoints2d"]), 0).reshape(len(joints), -1, 3)
    seen = has[:, :KINEMATIC] & (points[:, :KINEMATIC, 2] > 0)
    pixels = checks.project_rows(columns, joints)[:, :KINEMATIC]
    apart = np.linalg.norm(pixels - points[:, :KINEMATIC, :2], axis=-1)
    size = np.ma.getdata(columns["bbox"])[:, 2:].max(1)
    whole = seen.any(1) & present(columns["bbox"]) & (size > 0) & present(columns["focal"])
    return np.asarray(
        [np.median(apart[row][seen[row]]) / size[row] for row in np.flatnonzero(whole)]
    )

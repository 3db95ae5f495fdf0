"""FreiHAND v1 and v2 belong to two MANO models; the vertices of the release tell them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.checks import LARGEST_ANGLE
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SAMPLES_COMPARED = 32
LARGEST_MEAN_DEVIATION = 2e-4  # m; v1 is 0.6 mm off on average, v2 less than a hundredth
_BLOCK = 1 << 20  # characters


def check_version(path: Path, columns: Columns, bodies: BodySet) -> None:
    """Compare the first hands with the release's own vertices.

    Args:
        path: …_verts.json; nothing is checked when it is not there.
        columns: hand rows, in the order of that file.
        bodies: whose MANO is compared.

    Raises:
        InputError: the hands are not those of the file.
    """
    if not path.is_file():
        return
    from ehpsbench.body.posed import posed_vertices

    owners = np.array(first_items(path, min(SAMPLES_COMPARED, len(columns["instance_id"]))))
    head = {name: values[: len(owners)] for name, values in columns.items()}
    ours = np.stack(posed_vertices(head, bodies, path.parent))
    if owners.shape != ours.shape:
        raise InputError(
            f"{path}: expected hands of {ours.shape[1:]} values, found {owners.shape[1:]}."
        )
    deviation = np.linalg.norm(ours - owners, axis=-1).mean(1)[_sound(head)]
    mean = float(deviation.mean()) if len(deviation) else 0.0
    if mean > LARGEST_MEAN_DEVIATION:
        raise InputError(
            f"The hands of {path.parent} are not those of its {path.name}: mean deviation "
            f"{1000 * mean:.2f} mm, at most {1000 * LARGEST_MEAN_DEVIATION:.1f} mm expected. "
            "FreiHAND v1 (before 22 October 2019) belongs to another MANO; take FreiHAND_pub_v2 "
            "and the MANO_RIGHT of MANO v1.2."
        )


def _sound(columns: Columns) -> NDArray[np.bool_]:
    """(N,) rows that the checks will not refuse: only they speak for the version."""
    angle = np.linalg.norm(columns["right_hand_pose"].reshape(-1, 15, 3), axis=-1).max(1)
    values = [columns[f"right_hand_{name}"] for name in ("orient", "betas", "transl")]
    finite = np.isfinite(np.concatenate(values, 1)).all(1) & np.isfinite(angle)
    return np.asarray(finite & (angle < LARGEST_ANGLE) & (columns["right_hand_transl"][:, 2] > 0))


def first_items(path: Path, count: int) -> list[Any]:
    """The first `count` items of a JSON list of lists, however long the file is.

    Raises:
        InputError: the file ends before.
    """
    decoder, items = json.JSONDecoder(), list[Any]()
    with path.open(encoding="utf-8") as stream:
        text = stream.read(_BLOCK).lstrip().removeprefix("[")
        while len(items) < count:
            text = text.lstrip(" \n\r\t,")
            try:
                item, end = decoder.raw_decode(text)
                items.append(item)
                text = text[end:]
            except json.JSONDecodeError as error:
                more = stream.read(_BLOCK)
                if not more:
                    raise InputError(
                        f"{path}: expected at least {count} samples, found {len(items)}; is the "
                        "download complete?"
                    ) from error
                text += more
    return items

"""The zip that AGORA's server takes: one pickle a detected person, for NumPy 1 to read."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from ehpsbench.atomic import replacing
from ehpsbench.errors import InputError
from ehpsbench.evaluation.agora.detections import imported_rows
from ehpsbench.evaluation.agora.images import Images, images_of
from ehpsbench.evaluation.agora.posed import MATCHED, joints_and_vertices
from ehpsbench.evaluation.agora.predicted_rows import PredictedRows, neutral, own_focal
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.mesh.selection import check_bodies
from ehpsbench.evaluation.predictions import parameters, read_predictions, write_batches
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.restricted_pickle.encoder import Encoder

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

FOLDER = "predictions"
PROTOCOL = 2  # of pickle: any Python reads it
STAMP = (1980, 1, 1, 0, 0, 0)  # the same predictions make the same bytes
CHUNK = 64  # people at a time
OWNERS_VERTICES = 10475
ARRAYS = ("transl", "betas", "expression", "global_orient", "body_pose")
FACE = ("jaw_pose", "leye_pose", "reye_pose")
HANDS = ("left", "right")

Form = Literal["parameters", "vertices"]


@dataclass(frozen=True, slots=True)
class Submission:
    """A zip that was written.

    Attributes:
        path: of the zip.
        people: files in it.
        images: images that have one at least.
        empty_images: images of the split that have none; everybody there counts as missed.
        fit_for_server: False for predictions on a body that is not the owners' SMPL-X.
    """

    path: Path
    people: int
    images: int
    empty_images: int
    fit_for_server: bool


def write_submission(
    store: Store,
    entry: str,
    benchmark: str,
    bodies: BodySet,
    path: Path,
    *,
    predictions: Path | None = None,
    form: Form = "parameters",
) -> Submission:
    """Write an entry's predictions in the store as the zip that AGORA's server takes.

    Each person becomes predictions/IMAGE_personId_NUMBER.pkl with `joints`, the first 24 SMPL-X
    joints in pixels of the 3840×2160 image, and either `params` (neutral adult, 10 betas, rotation
    vectors, hands relative to the mean hand) or `allSmplJoints3d` and `verts`.

    Args:
        store: with the images of the split; labels are not needed.
        entry: who predicted.
        benchmark: on what, a protocol of the task agora; predictions need `transl`.
        bodies: the body set of the parameters.
        path: of the zip; replaced whole.
        predictions: a .parquet, which then becomes the entry's predictions; None: those that the
            entry has in the store.
        form: parameters are small, vertices need no model on the server.

    Raises:
        InputError: the benchmark is not AGORA's, or predictions are missing or of other images.
        BodyMismatch: predictions and bodies are not of one body set.
    """
    rules = protocol(benchmark)
    if not isinstance(rules, AgoraProtocol):
        raise InputError(f"{benchmark} is not scored by AGORA's server; its task is {rules.task}.")
    check_bodies(store, rules.dataset, bodies)
    images = images_of(store, rules)
    given = imported_rows(store, rules, predictions, bodies)
    if given is None and predictions is not None:
        raise InputError(f"The zip for AGORA's server is made of a .parquet, not of {predictions}.")
    table = given.table() if given else read_predictions(store, entry, rules.name, bodies)
    rows = PredictedRows.of(table, images, bodies, f"{entry} on {rules.name}")
    names = _names(rows, path)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for start in range(0, len(names), CHUNK):
            part = slice(start, min(start + CHUNK, len(names)))
            for name, said in zip(names[part], _people(rows, part, form), strict=True):
                info = zipfile.ZipInfo(f"{FOLDER}/{name}", STAMP)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, Encoder(PROTOCOL).encode(said))
    if given is not None:
        write_batches(store, entry, rules.name, [table])
    seen = int((rows.counts() > 0).sum())
    fit = bodies.model("smplx", "neutral").num_vertices == OWNERS_VERTICES
    return Submission(path, len(names), seen, len(images.ids) - seen, fit)


def _names(rows: PredictedRows, path: Path) -> list[str]:
    """File names, people of an image numbered from 0."""
    rows.images.by_name(path)
    number = np.arange(len(rows.image)) - np.searchsorted(rows.image, rows.image)
    pairs = zip(rows.images.names[rows.image], number.tolist(), strict=True)
    return [f"{name}_personId_{n}.pkl" for name, n in pairs]


def _people(rows: PredictedRows, part: slice, form: Form) -> list[dict[str, Any]]:
    """What the files of some people hold."""
    table: pa.Table = rows.table.slice(part.start, part.stop - part.start)
    said = parameters(table)
    joints, vertices = joints_and_vertices(neutral(said), rows.bodies)
    images: Images = rows.images
    pixels = images.pixels(joints[:, :MATCHED], rows.image[part], own_focal(table))
    found = []
    for i in range(table.num_rows):
        person: dict[str, Any] = {"joints": pixels[i].astype(np.float32)}
        if form == "vertices":
            person["allSmplJoints3d"] = joints[i].astype(np.float32)
            person["verts"] = vertices[i].astype(np.float32)
        else:
            person |= {"gender": "neutral", "num_betas": said["betas"].shape[1], "pose2rot": True}
            person["params"] = _params({n: v[i : i + 1] for n, v in said.items()}, rows.bodies)
        found.append(person)
    return found


def _params(said: dict[str, Any], bodies: BodySet) -> dict[str, Any]:
    """(1, k) float32 arrays; the server's model adds the mean hand."""
    model = bodies.model("smplx", "neutral")
    params = {name: said[name] for name in (*ARRAYS, *FACE)}
    for side in HANDS:
        params[f"{side}_hand_pose"] = said[f"{side}_hand_pose"] - model.hand_mean(side)
    return {name: values.astype(np.float32) for name, values in params.items()}

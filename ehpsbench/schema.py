"""What an instance is: the columns of the two tables, their types, units and frames.

An adapter hands over one unit as `Instances`: NumPy columns for the people and for the images.
A column that is not there is null in every row; rows of a column that are null are masked
(`nullable`). NaN is never null: it is a broken value, and the checks refuse its row.

A motion (a dataset of the kind "motion") has no picture and no camera: what belongs to them is
null, `images` has no rows, and `image_id` is that of the frame. What stands in for the camera frame
is an upright frame with its axes (x right, y down), into which `world_rotation` turns the owners'
world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from ehpsbench.errors import InputError

SCHEMA_VERSION = 1
SMPLX_JOINTS = 144
EXTRA_JOINTS = 46  # names of HUMAN_DATA-190 beyond the SMPL-X joints

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Arrow type, group, unit and meaning."""

    name: str
    type: pa.DataType
    group: str
    unit: str
    doc: str


def _vector(size: int) -> pa.DataType:
    return pa.list_(pa.float32(), size)


TEXT, FLAG, WHOLE, REAL = pa.string(), pa.bool_(), pa.int64(), pa.float32()
LABEL = pa.dictionary(pa.int32(), pa.string())

_IDENTITY = (
    Column("image_id", TEXT, "identity", "", "dataset/split/sequence/camera/frame"),
    Column("dataset", LABEL, "identity", "", "name in the store"),
    Column("split", LABEL, "identity", "", "the owners' split"),
    Column("sequence", LABEL, "identity", "", "recording, video or scene"),
    Column("camera", LABEL, "identity", "", "the owners' camera key"),
    Column("frame", WHOLE, "identity", "", "frame number in the sequence"),
    Column("cluster", LABEL, "identity", "", "what a bootstrap resamples: recording, else image"),
)
_IMAGE = (
    Column("image_path", TEXT, "image", "", "relative to the release root; null for motions"),
    Column("height", WHOLE, "image", "px", "after orientation"),
    Column("width", WHOLE, "image", "px", "after orientation"),
    Column("orientation", pa.int8(), "image", "", "EXIF code 1–8: turns the stored file"),
)
_CAMERA = (
    Column("focal", _vector(2), "camera", "px", "fx, fy"),
    Column("principal_point", _vector(2), "camera", "px", "cx, cy"),
    Column("distortion_model", LABEL, "camera", "", "opencv_rational, or null for none"),
    Column("distortion", _vector(8), "camera", "", "k1, k2, p1, p2, k3, k4, k5, k6"),
    Column("world_rotation", _vector(9), "camera", "", "world → camera (or upright), row-major"),
    Column("world_translation", _vector(3), "camera", "m", "world → camera"),
    Column("fps", REAL, "camera", "1/s", "frame rate of the recording"),
    Column("timestamp", pa.float64(), "camera", "s", "time of the frame in the recording"),
)
_SOURCE = (
    Column("source_file", TEXT, "source", "", "annotation file, relative to the release root"),
    Column("source_row", WHOLE, "source", "", "row in it, counted before any filter, from 0"),
    Column("unit", LABEL, "source", "", "unit of the release that it was read with"),
)


def _angles(name: str, size: int, doc: str) -> Column:
    return Column(name, _vector(size), "body", "rad", doc)


_PEOPLE = (
    Column("bbox", _vector(4), "boxes", "px", "x, y, w, h of the person, tight"),
    Column("left_hand_bbox", _vector(4), "boxes", "px", "x, y, w, h, tight"),
    Column("right_hand_bbox", _vector(4), "boxes", "px", "x, y, w, h, tight"),
    Column("face_bbox", _vector(4), "boxes", "px", "x, y, w, h, tight"),
    Column("source_model", LABEL, "body", "", "smplx, smplh, smpl or mano"),
    Column("body_hash", LABEL, "body", "", "hash of the body model of the parameters"),
    Column("labels", LABEL, "body", "", "who made them: owners, eft, neuralannot, …"),
    Column("annotation", LABEL, "body", "", "mocap, pseudo or synthetic"),
    Column("gender", LABEL, "body", "", "of the body model that the parameters belong to"),
    Column("subject_gender", LABEL, "body", "", "of the person"),
    Column("betas", _vector(16), "body", "", "shape, zero-padded"),
    Column("num_betas", pa.int16(), "body", "", "how many betas are real"),
    Column("betas_more", pa.list_(pa.float32()), "body", "", "shape components past 16"),
    Column("betas_neutral", _vector(10), "body", "", "shape on the neutral model"),
    Column("kid", REAL, "body", "", "weight of the kid template, 0 for adults"),
    _angles("global_orient", 3, "root rotation, camera frame"),
    _angles("body_pose", 63, "21 joints, relative to their parents"),
    _angles("smpl_hand_pose", 6, "SMPL's joints 22 and 23"),
    _angles("left_hand_pose", 45, "15 joints, absolute (flat hand is zero)"),
    _angles("right_hand_pose", 45, "15 joints, absolute (flat hand is zero)"),
    _angles("jaw_pose", 3, ""),
    _angles("leye_pose", 3, ""),
    _angles("reye_pose", 3, ""),
    Column("expression", _vector(10), "body", "", "expression coefficients"),
    Column("expression_more", pa.list_(pa.float32()), "body", "", "expression past 10"),
    Column("transl", _vector(3), "body", "m", "camera frame, before the rest pelvis"),
    Column("template_path", TEXT, "body", "", "personal rest mesh instead of betas"),
    _angles("left_hand_orient", 3, "MANO root, camera frame; hand-only rows"),
    _angles("right_hand_orient", 3, "MANO root, camera frame; hand-only rows"),
    Column("left_hand_transl", _vector(3), "body", "m", "MANO, camera frame"),
    Column("right_hand_transl", _vector(3), "body", "m", "MANO, camera frame"),
    Column("left_hand_betas", _vector(10), "body", "", "MANO shape"),
    Column("right_hand_betas", _vector(10), "body", "", "MANO shape"),
    Column("body_valid", FLAG, "validity", "", "body pose can be trained on"),
    Column("left_hand_valid", FLAG, "validity", "", ""),
    Column("right_hand_valid", FLAG, "validity", "", ""),
    Column("face_valid", FLAG, "validity", "", "jaw and expression"),
    Column("shape_valid", FLAG, "validity", "", "SMPL-X betas"),
    Column("camera_valid", FLAG, "validity", "", "focal and depth are metric"),
    Column("owner_valid", FLAG, "validity", "", "the owners' own flag"),
    Column("occlusion", REAL, "validity", "", "0–1"),
    Column("truncation", REAL, "validity", "", "0–1"),
    Column("keypoints2d", _vector(SMPLX_JOINTS * 3), "keypoints", "px", "144 × (x, y, score)"),
    Column("keypoints3d", _vector(SMPLX_JOINTS * 4), "keypoints", "m", "144 × (x, y, z, score)"),
    Column("keypoints2d_extra", _vector(EXTRA_JOINTS * 3), "keypoints", "px", "46 more names"),
    Column("keypoints3d_extra", _vector(EXTRA_JOINTS * 4), "keypoints", "m", "46 more names"),
    Column("vertices_path", TEXT, "vertices", "", "the owners' mesh, in their world frame"),
    Column("mask_id", WHOLE, "dense", "", "value of this person in the image's mask"),
)
_DENSE = tuple(
    column
    for kind, what in (
        ("mask", "person masks"),
        ("parts", "part labels"),
        ("depth", "depth map"),
        ("normals", "surface normals"),
    )
    for column in (
        Column(f"{kind}_path", TEXT, "dense", "", f"{what}, relative to the release root"),
        Column(f"{kind}_scale", REAL, "dense", "", "stored value × scale = label"),
        Column(f"{kind}_invalid", REAL, "dense", "", "stored value that says nothing"),
        Column(f"{kind}_classes", LABEL, "dense", "", "class set, or axes of the normals"),
    )
)

COLUMNS: tuple[Column, ...] = (
    Column("instance_id", TEXT, "identity", "", "image_id/person, from the owners' keys"),
    *_IDENTITY,
    Column("person", TEXT, "identity", "", "person in the image, the owners' key"),
    Column("subject", LABEL, "identity", "", "who it is, across recordings"),
    Column("track", TEXT, "identity", "", "who it is, within the recording"),
    *_IMAGE,
    *_CAMERA,
    *_PEOPLE,
    *_SOURCE,
)
IMAGE_COLUMNS: tuple[Column, ...] = (*_IDENTITY, *_IMAGE, *_CAMERA, *_DENSE, *_SOURCE)

ANGLE_COLUMNS = tuple(c.name for c in COLUMNS if c.unit == "rad")
BOX_COLUMNS = tuple(c.name for c in COLUMNS if c.group == "boxes")


def _schema(columns: Iterable[Column]) -> pa.Schema:
    fields = [pa.field(c.name, c.type, metadata={"unit": c.unit, "doc": c.doc}) for c in columns]
    return pa.schema(fields, metadata={"ehpsbench.schema_version": str(SCHEMA_VERSION)})


INSTANCES: pa.Schema = _schema(COLUMNS)
IMAGES: pa.Schema = _schema(IMAGE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Instances:
    """One unit of a release as an adapter read it.

    Attributes:
        columns: instance columns by name, each with N rows; see `COLUMNS`.
        images: image columns by name, each with M rows; see `IMAGE_COLUMNS`.
    """

    columns: Columns
    images: Columns = field(default_factory=dict)

    def __len__(self) -> int:
        return _rows(self.columns)

    def to_arrow(self) -> pa.Table:
        """The people, in the order and types of `INSTANCES`."""
        return to_arrow(self.columns, INSTANCES)

    def images_to_arrow(self) -> pa.Table:
        """The images, in the order and types of `IMAGES`."""
        return to_arrow(self.images, IMAGES)


def nullable(values: ArrayLike, present: ArrayLike) -> np.ma.MaskedArray[Any, Any]:
    """`values` with the rows masked where `present` (N,) is False: those rows are null."""
    array = np.asarray(values)
    keep = np.asarray(present, bool).reshape(-1, *([1] * (array.ndim - 1)))
    return np.ma.MaskedArray(array, mask=np.broadcast_to(~keep, array.shape))


def present(values: NDArray[Any]) -> NDArray[np.bool_]:
    """(N,) True where the row of a column is not null."""
    mask = np.ma.getmask(values)
    result = np.ones(len(values), bool)
    if mask is not np.ma.nomask and mask.size:
        result &= ~mask.reshape(len(values), -1).all(1)
    if values.dtype == object:
        result &= np.asarray([value is not None for value in np.ma.getdata(values)], bool)
    return np.asarray(result)


def to_arrow(columns: Columns, schema: pa.Schema) -> pa.Table:
    """NumPy columns → an Arrow table with exactly the columns of `schema`.

    Raises:
        InputError: a column is unknown, or its length or width does not fit.
    """
    unknown = sorted(set(columns) - set(schema.names))
    if unknown:
        raise InputError(f"Unknown columns {unknown}; the schema knows {schema.names}.")
    rows = _rows(columns)
    arrays = [_to_arrow_column(columns.get(f.name), f, rows) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def from_arrow(table: pa.Table) -> dict[str, NDArray[Any]]:
    """An Arrow table → NumPy columns; vectors as (N, k) float64, nulls masked.

    Columns that are null in every row are left out.
    """
    columns: dict[str, NDArray[Any]] = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        if column.null_count < len(column) or len(column) == 0:
            columns[name] = _from_arrow_column(column)
    return columns


def _rows(columns: Columns) -> int:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"The columns of one unit must have equal lengths, got {lengths}.")
    return next(iter(lengths.values()), 0)


def _to_arrow_column(values: NDArray[Any] | None, column: pa.Field, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, column.type)
    data = np.ma.getdata(values)
    if data.dtype == object and not isinstance(values, np.ma.MaskedArray):
        return pa.array(data.tolist(), column.type)
    here = present(values)
    if pa.types.is_fixed_size_list(column.type):
        return _to_arrow_vectors(data, here, column)
    if pa.types.is_list(column.type) or data.dtype == object:
        items = [value if ok else None for value, ok in zip(data.tolist(), here, strict=True)]
        return pa.array(items, column.type)
    if pa.types.is_dictionary(column.type):
        return pa.array(data, pa.string(), mask=~here).dictionary_encode().cast(column.type)
    return pa.array(data, column.type, mask=~here)


def _to_arrow_vectors(data: NDArray[Any], here: NDArray[np.bool_], column: pa.Field) -> pa.Array:
    size = column.type.list_size
    if data.shape != (len(data), size):
        raise InputError(
            f"Column {column.name!r} must have shape (N, {size}), got {tuple(data.shape)}."
        )
    flat = pa.array(np.ascontiguousarray(data, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, type=column.type, mask=pa.array(~here))


def _from_arrow_column(column: pa.Array) -> NDArray[Any]:
    here = ~np.asarray(column.is_null())
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        vectors = np.full((len(column), size), np.nan)
        vectors[here] = np.asarray(column.flatten(), np.float64).reshape(-1, size)
        return vectors if here.all() else nullable(vectors, here)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_list(column.type):
        return np.asarray([*column.to_pylist(), None], object)[:-1]
    if here.all():
        return np.asarray(column.to_numpy(zero_copy_only=False))
    filled = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    return nullable(filled.to_numpy(zero_copy_only=False), here)

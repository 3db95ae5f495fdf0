"""HumanData .npz files in the dialect that the loaders of SMPLest-X and SMPLer-X read.

One file a split and body family. Hands are relative to the model's mean, except for the datasets
whose loader classes take the mean away themselves. Motions have `video_path` in the place of
`image_path`, as known converters write them: those loaders want pictures and cannot use them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ehpsbench.curation.export.humandata_file import Rows, save
from ehpsbench.curation.export.humandata_rows import Shape, videos
from ehpsbench.curation.export.humandata_settings import (
    KEPT,
    WHY,
    WHY_OF_MOTIONS,
    count_changes,
    write_marker,
)
from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.pictures import PictureFiles
from ehpsbench.errors import InputError, MissingBody
from ehpsbench.schema import from_arrow

__all__ = ["export"]

SUBTRACTS = frozenset(  # loader classes that turn absolute hands into relative ones themselves
    "arctic chi3d fit3d gta_human humansc3d moyo synbody synhand".split()
)
FAMILIES = ("smplx", "smplh", "smpl", "mano")
SCANNED = (
    "source_model", "global_orient", "vertices_path", "num_betas", "betas_more", "kid",
    "betas_neutral",
)  # fmt: skip
SCAN_ROWS = 8192


def export(job: Job) -> None:
    """Write annot/<dataset>_<split>.npz for every split; pictures below img/ where asked for.

    Raises:
        InputError: nobody in the rows has parameters of a body.
        MissingBody: the labels' body models are not at hand.
    """
    if job.bodies is None:
        raise MissingBody(
            f"{job.dataset} was read without body models; HumanData needs them for joints and the "
            "mean of the hands. Ingest it again with --body-models."
        )
    written = 0
    for split in job.selection.splits():
        shapes = _shapes(job, split)
        for shape in shapes:
            ending = "" if len(shapes) == 1 else f"_{shape.family}"
            written += _write(job, split, shape, f"{job.card.name}_{split}{ending}.npz")
    if not written:
        raise InputError(
            f"HumanData holds parameters of a body, and none of the chosen people of {job.dataset} "
            "has any. Export it with --format hf, which holds every column."
        )
    if job.manifest["miniature"]:
        write_marker(job)


def _shapes(job: Job, split: str) -> list[Shape]:
    """What the rows of each family in a split have in common, from a first look at all."""
    found: dict[str, Shape] = {}
    relative = job.card.name not in SUBTRACTS
    for table in job.selection.people(split, SCANNED, SCAN_ROWS):
        job.tally.add(
            "people without parameters of a body",
            pc.sum(pc.invert(_posed(table))).as_py() or 0,
            "the file is one of parameters: a mesh, or no label at all, has no row",
        )
        families = table["source_model"].cast(pa.string())
        for family in FAMILIES:
            rows = table.filter(pc.and_(_posed(table), pc.equal(families, family)))
            if rows.num_rows:
                shape = _shape(rows, family, relative=relative)
                found[family] = shape.joined(found[family]) if family in found else shape
    return [found[family] for family in FAMILIES if family in found]


def _shape(rows: pa.Table, family: str, *, relative: bool) -> Shape:
    more = pc.max(pc.list_value_length(rows["betas_more"])).as_py()
    betas = 16 + more if more else max(pc.max(rows["num_betas"]).as_py() or 0, 10)
    kids = bool(pc.any(pc.not_equal(rows["kid"], 0)).as_py())
    neutral = rows["betas_neutral"].null_count < rows.num_rows
    return Shape(family, betas, kids, neutral, relative)


def _posed(table: pa.Table) -> pa.ChunkedArray:
    """Which rows have parameters: hands alone, or a root rotation and no mesh in their place."""
    families = table["source_model"].cast(pa.string())
    hands = pc.fill_null(pc.equal(families, "mano"), False)
    body = pc.and_(pc.is_valid(table["global_orient"]), pc.is_valid(families))
    return pc.and_(pc.or_(hands, body), pc.is_null(table["vertices_path"]))


def _write(job: Job, split: str, shape: Shape, name: str) -> int:
    """One file; returns how many people are in it."""
    rows = Rows(job.scratch / name, shape)
    pictures = PictureFiles(job.folder / "img", job.root) if job.embed else None
    for table in _of_family(job, split, shape):
        columns = from_arrow(table)
        paths = columns.get("image_path", videos(columns))
        if pictures is not None:
            paths = pictures.add(columns["image_path"], columns["orientation"])
        rows.add(columns, paths, job)
        job.tally.columns(table, KEPT, WHY if job.pictured else WHY_OF_MOTIONS)
        count_changes(job.tally, columns, shape, embed=job.embed)
        job.counted(split, "instances", table.num_rows)
    if len(rows.rates) > 1:
        job.tally.add("fps", rows.count, "a file says one frame rate, and this one has several")
    if rows.count:
        save(job.folder / "annot" / name, rows, job)
    rows.close()
    return rows.count


def _of_family(job: Job, split: str, shape: Shape) -> Iterator[pa.Table]:
    """The rows of a family that have parameters."""
    for table in job.selection.people(split):
        same = pc.equal(table["source_model"].cast(pa.string()), shape.family)
        chosen = table.filter(pc.and_(_posed(table), pc.fill_null(same, False)))
        if chosen.num_rows:
            yield chosen

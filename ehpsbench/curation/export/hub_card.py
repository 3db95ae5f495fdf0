"""README.md of a Hugging Face folder: licence, configurations, what the columns mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.losses import in_words
from ehpsbench.schema import COLUMNS, IMAGE_COLUMNS, Column

__all__ = ["card"]

SIZES = (("n<1K", 1e3), ("1K<n<10K", 1e4), ("10K<n<100K", 1e5), ("100K<n<1M", 1e6))
CONVENTIONS = """\
Cameras are OpenCV's (x right, y down, z forward), lengths metres, angles axis-angle radians. Hands
are absolute: a flat hand is zero (`flat_hand_mean=True`). Pixels refer to the image after
`orientation` (EXIF code) has been applied to the stored file. Null means that the release does not
say it."""


MOTIONS = """

There are no pictures and no cameras: columns of images, lenses and boxes are null. What stands in
for the camera frame is an upright frame with its axes, into which `world_rotation` turns the
owners' world."""


def card(job: Job, splits: Mapping[str, str]) -> str:
    """The text of the card; `splits` are the store's names and those in the folder."""
    facts, pictured = job.card, job.pictured
    head = "\n".join(f"{key}: {json.dumps(value)}" for key, value in _head(job).items())
    lines = [
        f"---\n{head}\n{_configurations(job, splits)}---\n",
        f"# {facts.title}, {job.dataset} as ehpsbench reads it\n",
        facts.description.strip() + "\n",
        f"Home page: {facts.homepage}\n",
        f"**Licence of the data: {facts.licence.name}.** Commercial use: "
        f"{_word(facts.licence.commercial)}. Images and meshes may be passed on: "
        f"{_word(job.manifest['redistribute'])}. {_pictures(job)}\n",
        *_body(job),
        f"## Conventions\n\n{CONVENTIONS}{'' if pictured else MOTIONS}\n",
        _columns("instances: one row a person", COLUMNS),
        *([_columns("images: one row an image", IMAGE_COLUMNS)] if pictured else []),
        *_losses(job),
        f"## Citation\n\n```bibtex\n{facts.citation.strip()}\n```\n",
    ]
    return "\n".join(lines)


def _word(value: bool | str) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def _head(job: Job) -> dict[str, Any]:
    """The plain fields of the YAML header; JSON is YAML."""
    people = sum(count.get("instances", 0) for count in job.counts.values())
    size = next((name for name, limit in SIZES if people < limit), "1M<n<10M")
    return {
        "pretty_name": job.card.title,
        "license": "other",
        "license_name": job.card.licence.name,
        "license_link": job.card.homepage,
        "size_categories": [size],
        "tags": ["human-pose-estimation", "human-mesh-recovery", "smpl-x", "ehpsbench"],
    }


def _configurations(job: Job, splits: Mapping[str, str]) -> str:
    lines = ["configs:"]
    for table in ("instances", "images"):
        here = [s for s, count in job.counts.items() if count.get(table)]
        if not here:
            continue
        lines += [f"- config_name: {table}"] + (["  default: true"] * (table == "instances"))
        lines.append("  data_files:")
        for split in here:
            lines.append(f"  - split: {json.dumps(splits[split])}")
            lines.append(f'    path: "data/{table}/{splits[split]}/*.parquet"')
    return "\n".join(lines) + "\n"


def _pictures(job: Job) -> str:
    if not job.pictured:
        return "The dataset has no pictures."
    if job.embed:
        return "The pictures are in the column `image` of `images`, upright."
    return "No picture is in this folder: `image_path` names the files of the release."


def _body(job: Job) -> list[str]:
    body = job.manifest["body_set"]
    if body is None:
        return []
    return [
        f"The parameters belong to the body set `{body['name']}` (`{body['id']}`); shape does not "
        "carry over to other body models.\n"
    ]


def _columns(title: str, columns: tuple[Column, ...]) -> str:
    rows = [f"| `{c.name}` | {c.unit} | {c.doc} |" for c in columns]
    return f"## {title}\n\n| column | unit | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _losses(job: Job) -> list[str]:
    lost = in_words(job.tally.losses())
    return ["## Not in this folder\n", *(f"- {line}" for line in lost), ""] if lost else []

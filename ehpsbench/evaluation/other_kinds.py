"""Predictions of another kind than a benchmark takes: what they are, and who would take them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ehpsbench.errors import InputError

TAKES = {
    "mesh": "bodies of known people: a .parquet, or a HumanData .npz",
    "agora": "people found in images: a folder or .zip of AGORA's pickles "
    "(IMAGE_personId_NUMBER.pkl), or a .parquet",
    "freihand": "FreiHAND's pred.json: [joints of every image, vertices of every image] in metres",
    "keypoints2d": "a COCO result .json, or a folder that holds it as predictions.json",
    "maps": "a folder of maps, .npy or .png",
}
JSON = "a JSON file"
MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"PK", "a zip archive"),
    (b"\x93NUMPY", "an .npy array"),
    (b"\x89PNG", "a PNG picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x80", "a pickle"),
)
GOES = {
    "a Parquet file": "Bodies are scored on benchmarks of bodies, such as agora-val",
    "an .npz archive": "HumanData is scored on benchmarks of bodies, such as agora-val",
    "a folder of .pkl files": "AGORA's pickles are scored on agora-val-official and -matched",
    "a zip archive": "A zip of AGORA's pickles is scored on agora-val-official and -matched",
    "a folder of .npy files": "Maps are scored on benchmarks of parts, depth and normals",
    "a folder of .png files": "Maps are scored on benchmarks of parts, depth and normals",
}


def refusal(path: Path, benchmark: str, task: str) -> InputError:
    """What to raise for predictions that a benchmark does not take.

    Args:
        path: theirs; it exists.
        benchmark: its name.
        task: what it scores, of `TAKES`.
    """
    kind = kind_of(path)
    ways = [f"{GOES[kind]}."] if kind in GOES else []
    ways.append("`ehpsbench protocol list` says what each benchmark scores.")
    return InputError(f"{path} is {kind}; {benchmark} takes {TAKES[task]}. {' '.join(ways)}")


def kind_of(path: Path) -> str:
    """What a file or folder is, in words: by its first bytes, or its most frequent suffix."""
    if path.is_dir():
        suffixes = Counter(p.suffix.lower() for p in path.rglob("*") if p.is_file())
        if not suffixes:
            return "an empty folder"
        return f"a folder of {suffixes.most_common(1)[0][0] or 'nameless'} files"
    if path.suffix.lower() == ".npz":
        return "an .npz archive"
    with path.open("rb") as file:
        head = file.read(16)
    found = next((kind for magic, kind in MAGIC if head.startswith(magic)), None)
    if found is None and head.lstrip()[:1] in (b"[", b"{"):
        found = JSON
    return found or f"a file of another kind ({path.suffix or 'without suffix'})"

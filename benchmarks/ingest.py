"""People per second that ingest reads, for every adapter, beside a loop over people.

    python benchmarks/ingest.py [--people 20000] [--loop-people 300] [--save WORDS] [NAME ...]

Every adapter reads a release of about 20,000 people in its owners' layout, written to a temporary
folder (`--releases FOLDER` keeps and reuses them) from 102 scenes of the synthetic world, played
again and again. `read` is the adapter and the checks, `all` the whole ingest with hashing, staging
and merging, `loop` what `converter_loop` does with the same files; the factors are read / loop and
all / loop. `files` says what there is to open: `arrays` (a few annotation files), `frames` (about
one for each image) or `pictures` (sizes stand in the headers of images only, so each is opened).
Other releases are written without pictures, since ingest opens none.

The loop poses people with the `smplx` package, as converters do, if it is installed, else (or with
`--loop-body ehpsbench`) with the project's own forward pass, which is three times as fast; it reads
meshes with `trimesh`, if that is installed, else with the project's own reader.

Rates are per second of processor time of one worker with one thread (`--clock wall` for the other
clock), so that a busy machine changes little; files are in the page cache. `--save WORDS` writes
the rates, and these words for machine and day, to where the table of docs/datasets.md has them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import torch
from converter_loop import Clock, Columns, decode_seconds, loop_seconds, people_of
from loop_bodies import Posing, installed, posing

from ehpsbench import staging
from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.body.forward import forward
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.speed import Speed, save_speeds
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.schema import from_arrow
from ehpsbench.staging import read_unit
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

DISTINCT = 102  # scenes; a multiple of how many kinds of pictures any release has
FRAME_FILES = 0.3  # annotation files an image: from here on they are files of frames
CLOCKS: dict[str, Clock] = {"cpu": time.process_time, "wall": time.perf_counter}


@dataclass(frozen=True, slots=True)
class Loop:
    """How many people the loop converts, and what poses them."""

    people: int
    pose: Posing


class Reading:
    """Stands in for `read_unit` while an ingest runs: how long it takes, and what comes first."""

    def __init__(self, clock: Clock, loop_people: int) -> None:
        self.clock, self.loop_people = clock, loop_people
        self.seconds = 0.0
        self.tables: list[pa.Table] = []
        self.files: set[Path] = set()  # of the units that the loop works on
        self.people = self.images = 0  # of those units

    def __call__(self, unit: Unit, bodies: BodySet | None) -> tuple[pa.Table, pa.Table, pa.Table]:
        """The same as `read_unit`."""
        started = self.clock()
        kept, images, rejects = read_unit(unit, bodies)
        self.seconds += self.clock() - started
        if self.people < self.loop_people and kept.num_rows:
            self.tables.append(kept.slice(0, self.loop_people))
            self.files |= set(unit.files)
            self.people += kept.num_rows
            self.images += images.num_rows
        return kept, images, rejects

    def columns(self) -> Columns:
        """The first people."""
        return from_arrow(pa.concat_tables(self.tables).unify_dictionaries())


def measured(release: Release, loop: Loop, clock: Clock, folder: Path) -> Speed:
    """Ingest a release, and convert its first people one by one."""
    reading = Reading(clock, loop.people)
    name, layout = release.card.name, release.layout
    catalogue.adapter(name, layout)
    started = clock()
    with patch.object(staging, "read_unit", reading):
        report = ingest(name, release.root, Store(folder / "store"), layout=layout)
    whole = clock() - started
    columns, people = reading.columns(), sum(report.instances.values())
    meshes = {path for path in reading.files if path.suffix == ".ply"}  # the loop reads them
    each = decode_seconds(sorted(reading.files - meshes), clock) / reading.people
    converted = list(people_of(columns, release.root, folder / "pictures", loop.people))
    each += loop_seconds(converted, loop.pose, folder / "loop.npz", clock) / len(converted)
    pictured = release.card.pictured
    headers = pictured and (release.root / str(columns["image_path"][0])).exists()
    many = len(reading.files) > FRAME_FILES * (reading.images if pictured else reading.people)
    files = "frames" if many else "pictures" if headers else "arrays"
    read = people / reading.seconds
    return Speed(people=people, files=files, read=read, all=people / whole, loop=1 / each)


def _warmed(bodies: BodySet) -> None:
    """Imports and first calls, which cost the first dataset alone."""
    forward(bodies.model("smplx", "neutral"), transl=np.zeros((1, 3)))
    with tempfile.TemporaryDirectory() as folder:
        write_sample("ehf", Path(folder) / "ehf", people=4, images="none", body="open-small")
        ingest("ehf", Path(folder) / "ehf", Store(Path(folder) / "store"))


def _release(name: str, layout: str, people: int, releases: Path) -> Release:
    """A release for speed, written unless it is there."""
    root = releases / f"{name}-{layout}-{people}"
    if not root.exists():
        world, files = WorldSettings(distinct=DISTINCT), catalogue.card(name).files
        pictured = any(f.required and f.pattern.endswith((".png", ".jpg")) for f in files)
        images = "flat" if pictured else "none"
        options = {"images": images, "body": "open-small", "layout": layout}
        write_sample(name, root, people=people, settings=world, **options)
    return open_release(root, catalogue.card(name), layout=layout)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--loop-people", type=int, default=300)
    parser.add_argument("--loop-body", choices=("smplx", "ehpsbench"), default=installed())
    parser.add_argument("--releases", type=Path, help="folder that keeps the releases")
    parser.add_argument("--clock", choices=CLOCKS, default="cpu")
    parser.add_argument("--save", metavar="WORDS", help="for docs/datasets.md")
    return parser.parse_args()


def main() -> None:
    """Print one line per adapter."""
    options = _options()
    torch.set_num_threads(1)
    _warmed(open_bodies("small"))
    loop = Loop(options.loop_people, posing(open_bodies("full"), options.loop_body))
    cases = [(name, "owners") for name in options.names or catalogue.names()]
    if not options.names:
        cases.append(("bedlam", "humandata"))
    print(f"{'dataset':<20}{'layout':<10}{'files':<9}{'people':>7}", end="")
    print("".join(f"{word:>9}" for word in ("read/s", "all/s", "loop/s", "read ×", "all ×")))
    speeds: dict[str, Speed] = {}
    for name, layout in cases:
        with tempfile.TemporaryDirectory() as folder:
            release = _release(name, layout, options.people, options.releases or Path(folder))
            speed = measured(release, loop, CLOCKS[options.clock], Path(folder))
        print(f"{name:<20}{layout:<10}{speed.files:<9}{speed.people:>7,}", end="")
        print(f"{speed.read:>9,.0f}{speed.all:>9,.0f}{speed.loop:>9,.0f}", end="")
        print(f"{speed.read / speed.loop:>9,.1f}{speed.all / speed.loop:>9,.1f}", flush=True)
        if layout == "owners":
            speeds[name] = speed
    if options.save:
        save_speeds(speeds, options.save)


if __name__ == "__main__":
    main()

"""A miniature MPI-INF-3DHP: two recordings in three views as each source has them, two tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.mpi_inf_3dhp.adapter import FITS, PARSED, TABLE
from ehpsbench.dataset_adapters.mpi_inf_3dhp.owners_sample import write_recordings, write_test
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_17
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.readers.studio_sample import (
    nested,
    seen_by,
    studio_camera,
    studio_points,
)
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import named

FILMING = Filming(size=(1024, 1024), views=3, broken=("finite", "ranges", "angles"))
PLACES = (("train", "S1/Seq1"), ("train", "S2/Seq2"), ("test", "TS1"), ("test", "TS5"))
CAMERAS = (0, 4, 8)  # of the views
STEP = 3  # frames between the parsed images
BARE = ("S2/Seq2", 0)  # a frame without a fit
STAND_IN = named(  # joints of SMPL near the owners' 17
    "head neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle pelvis spine_2 head"
)


def write(order: Order, source: str = "neuralannot") -> Truth:
    """Write a miniature release: neuralannot, neuralannot smpl, spin, or recordings alone."""
    card = catalogue.card("mpi_inf_3dhp")
    own = source.startswith("neuralannot")
    traits = None if source == "neuralannot" else Traits.of(card, family="smpl", hands="none")
    broken = {"spin": ("ranges", "angles"), "recordings": ()}  # SPIN has no place to be lost
    mini = Miniature(
        order, card, replace(FILMING, broken=broken.get(source, FILMING.broken)), traits
    )
    clips = mini.clips(PLACES, fewest=2)
    for clip in clips:
        if clip.split == "test":
            write_test(mini, clip, STAND_IN)
    train = [clip for clip in clips if clip.split == "train"]
    if own:
        _parsed(mini, train, FITS[traits is not None])
    else:
        write_recordings(mini, train, CAMERAS, fitted=source == "spin")
    return mini.save()


def _parsed(mini: Miniature, clips: list[Clip], kind: str) -> None:
    """NeuralAnnot's five files of all recordings."""
    content: dict[str, Any] = {"images": [], "annotations": []}
    tables: dict[str, dict[str, Any]] = {"camera_1k": {}, "joint_3d": {}, kind: {}}
    for clip in clips:
        place = tuple(part.lstrip("Seq") for part in clip.name.split("/"))
        points, fits = studio_points(clip, STAND_IN), neural_annot_entries(clip, 0, None, flat=True)
        for frame in range(len(clip)):
            nested(tables["joint_3d"], (*place, STEP * frame), points[frame])
            if not _bare(mini, clip, frame):
                nested(tables[kind], (*place, STEP * frame), fits[frame])
        for view, camera in enumerate(CAMERAS):
            lens = studio_camera(clip, view, ("focal", "princpt"))
            nested(tables["camera_1k"], (*place, camera), lens)
            _view(mini, clip, view, content)
    folder = (mini.order.root / PARSED).parent
    save_json(mini.order.root / PARSED, content)
    for name, table in tables.items():
        save_json(folder / TABLE.format(name), table)


def _bare(mini: Miniature, clip: Clip, frame: int) -> bool:
    """One frame has no fit."""
    return mini.whole and (clip.name, frame) == BARE


def _view(mini: Miniature, clip: Clip, view: int, content: dict[str, Any]) -> None:
    """Images and people of one camera."""
    points, boxes = seen_by(clip, STAND_IN, view), clip.box(0, view)
    subject, sequence = clip.name.split("/")
    lens = clip.camera(0, view)
    for frame in range(len(clip)):
        number = len(content["images"])
        name = f"img_{subject}_{sequence}_V{CAMERAS[view]}_{STEP * frame:06d}.jpg"
        mini.picture(f"data/images_1k/{clip.name}/imageSequence/{name}", clip, frame, view)
        image = {"id": number, "file_name": name, "width": lens.width, "height": lens.height}
        image |= {"subject_idx": int(subject[1:]), "seq_idx": int(sequence[3:])}
        image |= {"frame_idx": STEP * frame, "cam_idx": CAMERAS[view]}
        content["images"].append(image)
        person = {"id": number, "image_id": number, "bbox": boxes[frame]}
        content["annotations"].append(person)
        mini.note(
            f"train/{subject}:{sequence}/{CAMERAS[view]}/{STEP * frame}/{subject}",
            clip,
            frame,
            0,
            view,
            keypoints=(points[frame], MPI_INF_17),
            body=not _bare(mini, clip, frame),
        )

"""The rules of mesh benchmarks: one person, one prediction, errors of points on two meshes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ehpsbench.definitions import Definition
from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import NumberFacts, Protocol, protocol

METRICS = ("pve", "pa_pve", "mpjpe", "pa_mpjpe", "acceleration_error")
PointSet = Literal[
    "vertices",
    "face_vertices",
    "hand_vertices",
    "j14",
    "lsp14",
    "h36m14",
    "smpl24",
    "hand_joints",
    "finger_joints",
]
HAND_SETS = ("hand_vertices", "hand_joints", "finger_joints")
BODY_JOINTS = ("j14", "lsp14", "h36m14", "smpl24")
Root = Literal["pelvis", "hip_midpoint", "first_joint", "wrist", "neck", "camera", "none"]
# files of the owners that name a set's points; SMPL's are needed for truth on its mesh
_ROLES = {
    "j14": {"j14"},
    "h36m14": {"h36m"},
    "hand_vertices": {"hands"},
    "face_vertices": {"face"},
}


class RowRule(Definition):
    """Which people of the split are scored."""

    flags: tuple[str, ...] = Field(description="columns that must be true; null says nothing")
    source_model: Literal["smplx", "smpl"] = Field(description="family of the ground truth")
    labels: Literal["parameters", "vertices"] = "parameters"
    kids: Literal["include", "exclude"] = Field(description="children: kid weight above 0")


class Sampling(Definition):
    """Which share of them.

    `annotations`: counted from 1 through each annotation file, before any filter, whatever split,
    flag or check a row falls to; multiples of `every` stay. `people`: the first of each `every`
    of the people that the row rule leaves, in the stored order.
    """

    every: int = Field(default=1, ge=1)
    counted: Literal["annotations", "people"] = "people"


class Boxes(Definition):
    """What a model is told about where the person is."""

    source: Literal["ground_truth"]
    padding: float = Field(ge=1, description="tight box × this")


class ErrorColumn(Definition):
    """One error of a person; sets of both hands make `<name>_left`, `<name>_right`, `<name>`.

    Points: `j14` (SMPLX_to_J14), `lsp14` (14 joints of the model's regressor at LSP's places),
    `h36m14` (14 of Human3.6M's 17), `smpl24` (SMPL's joints), `hand_joints` (wrist, fingers,
    tips: 21), `finger_joints` (the same without the wrist).

    Roots: `pelvis`, `neck`, `wrist` are joints of the mesh's own regressor; `hip_midpoint` lies
    between the two hips of the set; `first_joint` is joint 0 of the regressor that the set is
    taken from; `camera` leaves points where they are; `none` is for aligned metrics.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    metric: str
    points: PointSet
    root: Root = Field(description="what each side is centred on")
    unit: Literal["mm", "mm/frame^2", "m/s^2"] = "mm"
    drop_hands_above_mm: float | None = Field(
        default=None,
        gt=0,
        description="as SMPLest-X: such a hand has no error, nor has the mean of both hands",
    )

    @model_validator(mode="after")
    def _metric_is_known(self) -> ErrorColumn:
        if self.metric not in METRICS:
            raise ValueError(f"unknown metric {self.metric!r}; known: {METRICS}")
        if self.drop_hands_above_mm is not None and self.points not in HAND_SETS:
            raise ValueError(f"{self.name}: drop_hands_above_mm is for hands only")
        return self

    @model_validator(mode="after")
    def _root_belongs_to_the_points(self) -> ErrorColumn:
        free = self.root in ("none", "camera")
        if (self.root == "wrist") != (self.points in HAND_SETS) and not free:
            raise ValueError(f"{self.name}: hands are centred on their wrist, and nothing else is")
        if self.metric.startswith("pa_") != (self.root == "none"):
            raise ValueError(f"{self.name}: root is 'none' for aligned metrics, and only for those")
        if self.root in ("hip_midpoint", "first_joint") and self.points not in BODY_JOINTS:
            raise ValueError(f"{self.name}: {self.root} is a root of {BODY_JOINTS} only")
        if self.root == "first_joint" and self.points == "j14":
            raise ValueError(f"{self.name}: j14 has no joint before its ankles; name another root")
        return self

    @model_validator(mode="after")
    def _motion_is_of_joints(self) -> ErrorColumn:
        if self.of_motion != (self.unit != "mm"):
            raise ValueError(f"{self.name}: {self.metric} cannot be in {self.unit}")
        if self.of_motion and self.points not in BODY_JOINTS:
            raise ValueError(f"{self.name}: motion is scored on {BODY_JOINTS}, not {self.points}")
        return self

    @property
    def of_motion(self) -> bool:
        """Whether it looks at consecutive frames of a track."""
        return self.metric == "acceleration_error"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it makes."""
        if self.points in HAND_SETS:
            return (self.name, f"{self.name}_left", f"{self.name}_right")
        return (self.name,)


class MeshProtocol(Protocol):
    """How predicted meshes are scored against true ones, person by person."""

    task: Literal["mesh"]
    rows: RowRule
    sampling: Sampling
    boxes: Boxes
    ground_truth_body: Literal["owners", "neutral_refit"] = Field(
        description="neutral_refit: labelled shapes are replaced by the nearest neutral ones"
    )
    prediction_mesh: Literal["smplx", "smpl"] = Field(
        default="smplx",
        description="smpl: predictions are brought to SMPL's mesh by smplx2smpl before scoring",
    )
    part_flags: bool = Field(description="hands and face count only where their flag is true")
    visible: Literal["all", "inside_image"] = Field(
        description="inside_image: only points whose truth the row's own camera sees in the image"
    )
    matching: Literal["ground_truth_boxes"]
    missing: Literal["refuse"] = Field(description="penalty for people without a prediction")
    averaging: Literal["people"] = Field(description="mean over people of the mean over points")
    unit: Literal["mm"]
    errors: tuple[ErrorColumn, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _columns_are_sound(self) -> MeshProtocol:
        columns = [c for e in self.errors for c in e.columns]
        if len(set(columns)) < len(columns):
            raise ValueError(f"error columns named twice among {columns}")
        if self.primary not in columns:
            raise ValueError(f"primary {self.primary!r} is none of the error columns {columns}")
        if self.primary_error.unit != self.unit:
            raise ValueError(f"primary {self.primary!r} is not in {self.unit}")
        if self.visible != "all" and any(e.of_motion for e in self.errors):
            raise ValueError("motion is scored on all joints, also those outside the image")
        return self

    @model_validator(mode="after")
    def _meshes_fit(self) -> MeshProtocol:
        labelled = (self.rows.source_model, self.rows.labels)
        if self.ground_truth_body == "neutral_refit" and labelled != ("smplx", "parameters"):
            raise ValueError("neutral_refit is for labels that are parameters of SMPL-X")
        if self.prediction_mesh == "smpl" and self.rows.source_model != "smpl":
            raise ValueError("prediction_mesh = 'smpl' is for ground truth on SMPL's mesh")
        if self.prediction_mesh == "smplx" and any(e.points == "smpl24" for e in self.errors):
            raise ValueError("SMPL-X lacks SMPL's joints 22, 23: smpl24 needs prediction_mesh smpl")
        return self

    @property
    def primary_error(self) -> ErrorColumn:
        """The error that the primary column belongs to."""
        return next(e for e in self.errors if self.primary in e.columns)

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction of each error."""
        return {c: NumberFacts(e.unit, "lower") for e in self.errors for c in e.columns}

    @property
    def roles(self) -> set[str]:
        """Models and files of a body set that scoring opens."""
        found = {"smplx/neutral"}.union(*(_ROLES.get(e.points, set()) for e in self.errors))
        if self.rows.source_model == "smpl":
            found |= {"smpl/neutral"} | ({"smpl/h36m"} if "h36m" in found else set())
        if self.prediction_mesh == "smpl":
            found = (found | {"smplx2smpl"}) - {"h36m"}
        return found


RULES = MeshProtocol


def mesh_protocol(benchmark: str | Protocol) -> MeshProtocol:
    """The protocol of a benchmark (or that protocol) if it scores predicted bodies.

    Raises:
        InputError: it scores something else; see also `ehpsbench.evaluation.protocol.protocol`.
    """
    rules = protocol(benchmark) if isinstance(benchmark, str) else benchmark
    if not isinstance(rules, MeshProtocol):
        raise InputError(
            f"{rules.name} scores {rules.task}; predicted bodies cannot be scored by it."
        )
    return rules

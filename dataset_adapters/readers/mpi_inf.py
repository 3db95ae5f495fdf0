"""Joint orders of MPI-INF-3DHP and of what was composed from it.

Hips, pelvis, neck, head and spine are those of its own skeleton, not SMPL's.
"""

from __future__ import annotations

from ehpsbench.skeleton.sources import Map, named

__all__ = ["MPI_INF_17", "MPI_INF_24", "MPI_INF_24_OF_28", "MUCO_21"]

MPI_INF_17: Map = named(  # the test set, and NeuralAnnot
    "headtop neck_extra right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip_extra right_knee right_ankle left_hip_extra left_knee left_ankle pelvis_extra "
    "spine_extra head_extra"
)
MUCO_21: Map = (
    *MPI_INF_17,
    *named("right_hand_3dhp left_hand_3dhp right_toe_3dhp left_toe_3dhp"),
)
# Of the 28 of the training set; spine2, spine3 and the feet have no place of their own.
MPI_INF_24_OF_28 = (1, 3, 4, 5, 6, 7, *range(8, 21), 22, 23, 24, 25, 27)
MPI_INF_24: Map = named(
    "spine_4_3dhp spine_extra pelvis_extra neck_extra head_extra headtop "
    "left_clavicle_3dhp left_shoulder left_elbow left_wrist left_hand_3dhp "
    "right_clavicle_3dhp right_shoulder right_elbow right_wrist right_hand_3dhp "
    "left_hip_extra left_knee left_ankle left_toe_3dhp "
    "right_hip_extra right_knee right_ankle right_toe_3dhp"
)

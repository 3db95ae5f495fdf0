"""Class sets of body-part segmentation: the names, in the order of the labels."""

from __future__ import annotations

GOLIATH_28 = (
    "background", "apparel", "face_neck", "hair", "left_foot", "left_hand", "left_lower_arm",
    "left_lower_leg", "left_shoe", "left_sock", "left_upper_arm", "left_upper_leg",
    "lower_clothing", "right_foot", "right_hand", "right_lower_arm", "right_lower_leg",
    "right_shoe", "right_sock", "right_upper_arm", "right_upper_leg", "torso", "upper_clothing",
    "lower_lip", "upper_lip", "lower_teeth", "upper_teeth", "tongue",
)  # fmt: skip
LIP_20 = (
    "background", "hat", "hair", "glove", "sunglasses", "upper_clothes", "dress", "coat", "socks",
    "pants", "jumpsuits", "scarf", "skirt", "face", "left_arm", "right_arm", "left_leg",
    "right_leg", "left_shoe", "right_shoe",
)  # fmt: skip
# sapiens 3e829ac seg/mmseg/datasets/goliath.py:43-83 (34 classes less 6) and lip.py:19
CLASS_SETS: dict[str, tuple[str, ...]] = {"goliath-28": GOLIATH_28, "lip-20": LIP_20}

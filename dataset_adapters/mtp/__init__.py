"""MTP, Mimic The Pose (Müller et al., CVPR 2021)."""

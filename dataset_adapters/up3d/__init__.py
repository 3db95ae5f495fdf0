"""UP-3D (Lassner et al., CVPR 2017)."""

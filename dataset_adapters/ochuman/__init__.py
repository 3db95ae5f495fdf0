"""OCHuman (Zhang et al., CVPR 2019) with EFT's SMPL fits."""

"""PoseTrack18 (Andriluka et al., CVPR 2018) with EFT's SMPL fits."""

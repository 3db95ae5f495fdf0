"""BEDLAM (Black et al., CVPR 2023): rendered clips of clothed, moving people."""

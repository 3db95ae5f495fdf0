"""UBody (Lin et al., CVPR 2023): upper bodies in videos of fifteen kinds."""

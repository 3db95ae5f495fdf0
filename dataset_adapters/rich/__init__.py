"""RICH (Huang et al., CVPR 2022): people touching the scenes that they move in."""

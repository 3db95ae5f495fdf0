"""FIT3D (Fieraru et al., CVPR 2021): fitness exercises in a studio."""

"""CHI3D (Fieraru et al., CVPR 2020): two people in close contact in a studio."""

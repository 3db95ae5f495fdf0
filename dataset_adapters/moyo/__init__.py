"""MOYO (Tripathi et al., CVPR 2023): yoga on a pressure mat, with markers."""

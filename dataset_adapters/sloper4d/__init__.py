"""SLOPER4D (Dai et al., CVPR 2023): one person followed through a city by camera and LiDAR."""

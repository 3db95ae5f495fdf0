"""ARCTIC (Fan et al., CVPR 2023): hands and objects, nine views, personal templates."""

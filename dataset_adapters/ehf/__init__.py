"""EHF (Pavlakos et al., CVPR 2019): a hundred stills with scanned SMPL-X meshes."""

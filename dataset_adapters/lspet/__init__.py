"""LSPET (Johnson and Everingham, CVPR 2011) with EFT's SMPL fits."""

"""BlurHand (Oh et al., CVPR 2023): blurred hands of InterHand2.6M."""

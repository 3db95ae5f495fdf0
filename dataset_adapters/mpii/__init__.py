"""MPII Human Pose (Andriluka et al., CVPR 2014) with NeuralAnnot's, EFT's or CLIFF's fits."""

"""CrowdPose (Li et al., CVPR 2019), with NeuralAnnot's SMPL fits."""

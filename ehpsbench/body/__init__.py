"""The SMPL-X family: model files, the open body that is shipped, and one forward pass for all."""

"""3DPW (von Marcard et al., ECCV 2018): people outdoors, from IMUs and one moving camera."""

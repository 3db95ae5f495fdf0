"""BEHAVE (Bhatnagar et al., CVPR 2022): a person and an object before four Kinects."""

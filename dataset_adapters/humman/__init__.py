"""HuMMan (Cai et al., ECCV 2022): one person among ten Kinects."""

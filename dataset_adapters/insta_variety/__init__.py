"""InstaVariety (Kanazawa et al., CVPR 2019): crops of people in videos, with 2D keypoints."""

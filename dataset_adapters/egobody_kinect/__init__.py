"""EgoBody, Kinect part (Zhang et al., ECCV 2022): two people seen by three to five Kinects."""

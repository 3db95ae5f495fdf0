"""PROX (Hassan et al., ICCV 2019): people in scanned rooms before one Kinect."""

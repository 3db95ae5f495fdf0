"""Detected people with 2D keypoints, against those that a release labels."""

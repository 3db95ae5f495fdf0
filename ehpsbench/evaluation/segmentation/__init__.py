"""Segmentation benchmarks: label maps of body parts, areas of classes."""

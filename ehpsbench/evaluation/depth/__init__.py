"""Depth benchmarks: depth or disparity maps, aligned or metric."""

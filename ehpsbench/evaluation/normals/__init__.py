"""Normals benchmarks: maps of surface normals, angular errors."""

"""Hands benchmarks: joints and meshes, aligned as FreiHAND does."""

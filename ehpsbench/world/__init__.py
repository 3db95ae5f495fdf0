"""Synthetic people, cameras and pictures; deterministic by seed."""

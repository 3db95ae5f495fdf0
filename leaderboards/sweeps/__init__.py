"""Sweeps: the cells of a study planned, run wherever the executor does, scored and ranked."""

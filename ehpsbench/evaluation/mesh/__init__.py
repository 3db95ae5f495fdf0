"""Mesh benchmarks: PVE, MPJPE and their kin, person by person."""

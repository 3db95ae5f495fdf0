"""SSP-3D (Sengupta et al., BMVC 2020)."""

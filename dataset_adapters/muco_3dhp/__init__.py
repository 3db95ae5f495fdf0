"""MuCo-3DHP (Mehta et al., 3DV 2018): people of MPI-INF-3DHP composed into one picture."""

"""MPI-INF-3DHP (Mehta et al., 3DV 2017): the owners' joints, with fits by NeuralAnnot or SPIN."""

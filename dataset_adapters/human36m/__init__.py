"""Human3.6M (Ionescu et al., TPAMI 2014) as parsed by Moon, with NeuralAnnot's SMPL-X or SMPL."""

"""InterHand2.6M (Moon et al., ECCV 2020): one or two hands in a studio."""

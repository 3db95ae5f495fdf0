"""SynHand (Yin et al., TPAMI 2025): HumanData files."""

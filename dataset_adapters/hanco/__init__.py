"""HanCo (Zimmermann et al., GCPR 2021)."""

"""EMDB (Kaufmann et al., ICCV 2023): one person filmed by a hand-held phone."""

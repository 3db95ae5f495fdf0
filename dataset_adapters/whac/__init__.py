"""WHAC-A-Mole (Yin et al., ECCV 2024): rendered people, alone and in pairs, and a moving camera."""

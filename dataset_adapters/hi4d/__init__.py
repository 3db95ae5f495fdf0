"""Hi4D (Yin et al., CVPR 2023): two people in close contact, scanned."""

"""HBW (Choutas et al., CVPR 2022): photos of people whose shape was scanned."""

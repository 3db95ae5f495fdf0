"""AGORA (Patel et al., CVPR 2021): rendered crowds of scanned people."""

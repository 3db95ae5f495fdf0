"""The networks: one ViT trunk, the published heads on it, and how trained weights are loaded."""

"""Motion-X (Lin et al., NeurIPS 2023): its part with images, IDEA400."""

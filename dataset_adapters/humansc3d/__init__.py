"""HumanSC3D (Fieraru et al., AAAI 2021): self-contact in a studio."""

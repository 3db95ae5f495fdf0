"""GTA-Human and GTA-Human II (Cai et al., TPAMI 2024): people of a game, filmed in its streets."""

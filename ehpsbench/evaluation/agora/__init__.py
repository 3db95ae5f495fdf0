"""AGORA's own benchmark: detections are matched to people, and errors divided by F1."""

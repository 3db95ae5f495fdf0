"""THuman2.0 and 2.1: scans with SMPL-X, seen in renderings with depth and normals."""

"""Human-Art (Ju et al., CVPR 2023): people in photos, paintings, drawings and sculptures."""

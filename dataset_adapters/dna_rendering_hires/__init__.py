"""DNA-Rendering (Cheng et al., ICCV 2023): the cameras of 12 megapixels."""

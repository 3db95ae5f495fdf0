"""DNA-Rendering (Cheng et al., ICCV 2023): actors in a studio, the cameras of 5 megapixels."""

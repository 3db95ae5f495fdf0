"""FreiHAND (Zimmermann et al., ICCV 2019): right hands, each in four versions."""

"""SynBody (Yang et al., ICCV 2023): layered, clothed bodies, rendered in cities."""

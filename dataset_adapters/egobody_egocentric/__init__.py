"""EgoBody, egocentric part (Zhang et al., ECCV 2022): what a head-mounted camera sees."""

"""TalkSHOW (Yi et al., CVPR 2023): four speakers of television and of lectures."""

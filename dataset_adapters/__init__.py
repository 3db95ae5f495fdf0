"""Adapters: one folder per dataset, found by its name."""

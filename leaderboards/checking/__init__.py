"""Checks a folder of results that others send: its layout, its entries, its numbers."""

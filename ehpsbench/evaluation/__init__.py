"""Evaluation: predictions and a protocol make one row of errors per person, and their means."""

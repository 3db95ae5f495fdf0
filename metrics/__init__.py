"""Metrics: pure functions on batched tensors; a value, or a row of sums, for each instance."""

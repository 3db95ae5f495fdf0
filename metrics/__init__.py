"""Metrics: pure functions on batched tensors, one value per instance."""

"""Training cells: a dataset, a recipe and a seed make one model and its predictions."""

"""Is what is stored still right? Its rows, its files, its images; and a picture to look at."""

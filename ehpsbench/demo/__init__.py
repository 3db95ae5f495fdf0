"""The demo: an experiment with a known answer, from releases on disk to a leaderboard."""

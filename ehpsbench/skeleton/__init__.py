"""Joint sets and the maps between them: data tables, no logic."""

"""The command line: one small module per verb, no logic below the argument parsing."""

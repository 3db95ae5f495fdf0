"""Where work runs: processes of this machine, a Slurm cluster, a Ray cluster."""

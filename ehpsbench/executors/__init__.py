"""Where work runs: processes of this machine, this process, a Slurm or a Ray cluster."""

"""`hydra/launcher=slurm`: jobs on a SLURM cluster, as job arrays through submitit. `launcher` is the place to start."""

"""Sweeps: from a grid of jobs to waves of stages, through any launcher, with a record on disk of how far they are.

`sweeper` is the place to start. `compose` and `grid` make the jobs, `waves` finds what is left to compute, `launch` is
the folder that one launch of a sweep keeps, `board` reads from disk how it stands, `pool` and `slurm` run jobs.
Nothing here knows how a stage is computed.
"""

"""Loggers: where a run's curves, tables, histograms, images and summary are shown.

`base.py` is the interface, every other file one logger (`wandb_service.py` holds what W&B's needs to start,
`wandb_id.py` what keeps two jobs out of one run, `wandb_config.py` the shapes in which it can group and draw).
A logger is told what the stored artifacts say and computes nothing: a run that found everything in the store
logs the same rows as the run that made it. No artifact's key sees the logger, and no result needs one.
"""

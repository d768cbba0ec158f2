"""The W&B workspace in which runs are compared: `workspace.py` says what it shows, `command.py` is the command.

Nothing here computes a number: the panels show what the runs have logged (`unlearnleak.logger.wandb`).
"""

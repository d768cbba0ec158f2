"""`hydra/launcher=pool`: jobs in warm worker processes of this machine. `launcher` is the place to start."""

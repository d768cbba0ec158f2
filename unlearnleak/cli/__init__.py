"""The commands of `unlearnleak`; runs themselves begin in `unlearnleak.run`."""

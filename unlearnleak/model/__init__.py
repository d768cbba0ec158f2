"""Classifiers that are trained, unlearned and attacked.

Each module here is one architecture: `features(x)` and a linear `head` (`base`). How long and how fast a model is
trained is not its own business: see conf/recipe and `unlearnleak.training`.
"""

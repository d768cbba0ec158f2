"""Unlearners: what turns an original model into one that forgot what was asked for.

Each module here is one method (`base.Unlearner`), a function from a task to a model. Most are Lightning callbacks
(`base.TrainingUnlearner`) that say what to train on and where the ordinary training is to be bent.
"""

"""From a config to a result. `stages` says what is computed from what: read it first.

`plan` checks a config as a whole, `evaluate` holds the verdict against the truth, `record` writes down what a run
leaves, `job` runs all of it for one config.
"""

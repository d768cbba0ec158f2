"""Pure functions from arrays to numbers: what a verdict is worth, what a model still knows, how sure that is.

`verdict` judges verdicts against the truth, `accuracy` counts a model's right answers per class, `interval`
gives confidence intervals, `reconstruction` compares recovered images with the forgotten ones. No model, no file, no
state. Each function states its formula and its source.
"""

"""Golden numbers: the digests of what small jobs compute, which no change of structure may move.

`grid` runs the jobs, `record` writes down what they gave (`python -m tests.golden.record`), `test_golden` runs them
again and compares.
"""

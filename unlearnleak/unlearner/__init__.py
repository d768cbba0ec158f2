"""Unlearners: what turns an original model into one that forgot the classes asked for.

Each module here is one method, a Lightning callback (`base.Unlearner`) that says what to train on and where
the ordinary training is to be bent. `ledger.py` is the record that AU subtracts.
"""

"""Unlearners: what turns an original model into one that forgot what was asked for.

Each module here is one method, a Lightning callback (`base.Unlearner`) that says what to train on and where the
ordinary training is to be bent.
"""

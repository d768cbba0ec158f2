"""What adversaries have and make: access to a model, auxiliary heads, shadow targets, and the evidence of all that.

`access` is the threat model. The attacks themselves, one per word after `attack=`, are in `unlearnleak.attack`.
"""

"""What adversaries have and make: access to a model, auxiliary heads, shadow targets, and the evidence of all that.

`threat` says what an attacker sees and holds, `view` hands it over, `access` opens models, `evidence` is what comes
out. The attacks themselves, one per word after `attack=`, are in `unlearnleak.attack`.
"""

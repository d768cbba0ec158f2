"""Attacks: what an adversary collects from an unlearned model, and under which threat model.

`access.py` is the threat model: an attack is handed one of its objects, the auxiliary data where it may have them, and
a generator, and nothing else. Inside this folder the unlearned model is called the target, and nothing here may know
which classes were forgotten. `heads.py` trains auxiliary heads, `shadow.py` calibrates on targets the attacker makes.
"""

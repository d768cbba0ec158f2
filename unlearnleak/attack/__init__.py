"""Attacks: what an adversary collects from an unlearned model. One module per word after `attack=`.

An attack is handed an access object (`unlearnleak.adversary.access`), the auxiliary data where it may have them, and a
generator, and nothing else. Inside this folder the unlearned model is called the target, and nothing here may know
which classes were forgotten.
"""

"""Attacks: what an adversary collects from an unlearned model. One module per word after `attack=`.

An attack declares a threat model, is handed a view of what that grants (`unlearnleak.adversary.view`) and a generator,
and nothing else. Inside this folder the unlearned model is called the target, and nothing here may know
which classes were forgotten.
"""

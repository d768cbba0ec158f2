"""Evaluations: what somebody who knows the truth measures of an unlearned model, beside what attackers say of it.

None of it feeds a verdict, and no attack is told of it.
"""

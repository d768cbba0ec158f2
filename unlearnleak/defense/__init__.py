"""Defences: what is done to an unlearned model before it is shipped. One module per word after `defense=`.

What a defence is worth is what it does to every attack and to the accuracy on the retained classes.
"""

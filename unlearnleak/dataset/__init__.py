"""Data sets: one module per word after `dataset=`, each with its conf/dataset file of the same name.

`base` is what all of them share; in it `file` what the sets that read an .npz file share, and `download` what those do
that torchvision downloads.
"""

"""Labelled images: their types, how they are read from files, divided, and which of them are forgotten.

`images` holds the types that everything else works on, `division` how many rows go where, `split` the seeded draws,
`forget` the choice of what is forgotten, `title` what one's own set is called, `archive` and `arrays` the reader of
.npz files, `content` files' digests, `recognition` whose images a file holds.
No model, no device and no augmentation here: every tensor is on the CPU, and images stay uint8.
"""

from unlearnleak.data.forget import ForgetSet, forget_classes
from unlearnleak.data.images import ForgetSplit, LabeledImages, Splits

__all__ = ["ForgetSet", "ForgetSplit", "LabeledImages", "Splits", "forget_classes"]

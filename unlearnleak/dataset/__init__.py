"""Where labelled images come from, and how they are divided.

One module per data set (`digits`, `mnist`, `fashion_mnist`, `svhn`, `cifar10`, `npz`), each with its
conf/dataset file of the same name. Beside them: `images` holds the types that everything else works on,
`base` what all data sets share, `division` how many rows go where, `split` the seeded draws, `forget` the
choice of the forgotten classes, `title` what one's own set is called, `file` what the sets that read an .npz file
share, `archive` and `arrays` its reader, `content` files' digests, `download` what the sets that torchvision
downloads have in common, `recognition` whose images a file holds.
No model, no device and no augmentation here: every tensor is on the CPU, and images stay uint8.
"""

from unlearnleak.dataset.base import Dataset
from unlearnleak.dataset.forget import forget_classes
from unlearnleak.dataset.images import ForgetSplit, LabeledImages, Splits

__all__ = ["Dataset", "ForgetSplit", "LabeledImages", "Splits", "forget_classes"]

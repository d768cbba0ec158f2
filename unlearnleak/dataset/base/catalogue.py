"""Which classes of torchvision.datasets hold labelled pictures, and how their training and test parts are asked for."""

from collections.abc import Mapping
from inspect import Parameter, isclass, signature
from typing import Any

from unlearnleak.errors import UserError

Part = tuple[Mapping[str, Any], ...]
"""What a class is made with, once for each of its own parts that make up one of ours; () where there is none."""

WORDS = {
    "CIFAR10": "cifar10",
    "CIFAR100": "cifar100",
    "FashionMNIST": "fashion_mnist",
    "MNIST": "mnist",
    "SVHN": "svhn",
}
"""Those that are called by a word of their own here, under which recipes and results are."""
ARRAYS = ("EMNIST", "KMNIST", "STL10", "USPS")
"""Those that hold all images, which are of one size, as one array."""
PICTURES = (
    *("CLEVRClassification", "Caltech101", "Caltech256", "Country211", "DTD", "EuroSAT", "FER2013", "FGVCAircraft"),
    *("Flowers102", "Food101", "GTSRB", "INaturalist", "ImageFolder", "ImageNet", "Imagenette", "Omniglot"),
    *("OxfordIIITPet", "PCAM", "Places365", "QMNIST", "RenderedSST2", "SEMEION", "SUN397", "StanfordCars"),
)
"""Those that are read picture by picture. A class that is in no list here is tried in the same way."""
REFUSED = {
    "boxes around objects": ("CocoDetection", "Kitti", "VOCDetection", "WIDERFace"),
    "a class for each pixel": ("Cityscapes", "SBDataset", "VOCSegmentation"),
    "captions": ("CocoCaptions", "Flickr30k", "Flickr8k", "SBU"),
    "videos": ("HMDB51", "Kinetics", "MovingMNIST", "UCF101"),
    "optical flow": ("FlyingChairs", "FlyingThings3D", "HD1K", "KittiFlow", "Sintel"),
    "two views of one scene": (
        *("CREStereo", "CarlaStereo", "ETH3DStereo", "FallingThingsStereo", "InStereo2k", "Kitti2012Stereo"),
        *("Kitti2015Stereo", "Middlebury2014Stereo", "SceneFlowStereo", "SintelStereo"),
    ),
    "pairs that match or do not": ("LFWPairs", "PhotoTour"),
    "forty labels for each picture": ("CelebA",),
    "a single picture of most of its people, so that none is left to test on": ("LFWPeople",),
    "databases for which torchvision unpickles a file in the working directory": ("LSUN",),
    "pictures of one class": ("LSUNClass",),
    "noise, with labels drawn by luck": ("FakeData",),
    "whatever a function of yours reads; for pictures there is dataset.name=ImageFolder": ("DatasetFolder",),
    "nothing itself, as it is what others are made of": ("VisionDataset", "wrap_dataset_for_transforms_v2"),
}
"""What classes hold that are not read here."""

_TRAIN_AND_VAL = ("Country211", "DTD", "Flowers102", "PCAM", "RenderedSST2")
_SPLITS = {
    "CLEVRClassification": ("train", "val"),  # the labels of its test part are not public; nor are Places365's
    "FGVCAircraft": ("trainval", "test"),
    "ImageNet": ("train", "val"),
    "Imagenette": ("train", "val"),
    "OxfordIIITPet": ("trainval", "test"),
    "Places365": ("train-standard", "val"),
}
"""Words for `split` that are not train and test."""


def check_name(name: str | None) -> None:
    """Raise `UserError` unless the class of torchvision.datasets that is called so may be read here.

    Torchvision is looked into only where the name is in no list of this file.
    """
    if name in (*ARRAYS, *PICTURES):
        return
    if name in WORDS:
        raise UserError(f"dataset=torchvision dataset.name={name} is called dataset={WORDS[name]} here.")
    for held, names in REFUSED.items():
        if name in names:
            raise UserError(f"dataset.name={name} holds {held}. {_way_out('labelled images made of it')}")
    if not _may_be_tried(name):
        raise UserError(
            f"dataset.name={name} is none of torchvision's sets that are read here. Allowed: "
            f"{', '.join((*ARRAYS, *PICTURES))}; dataset={', '.join(WORDS.values())} have words of their own. "
            + _way_out("others")
        )


def parts(kind: type, name: str) -> tuple[Part, Part]:
    """Return how the class `kind`, called `name`, is asked for its (training, test) pictures.

    Validation pictures train where there is a test part with labels, and are the test part where there is none.
    """
    if name in _TRAIN_AND_VAL:
        val = "valid" if name == "Country211" else "val"
        return ({"split": "train"}, {"split": val}), ({"split": "test"},)
    if name == "INaturalist":  # the small training part of 50 pictures a class: the whole are 2.7 million
        return ({"version": "2021_train_mini"},), ({"version": "2021_valid"},)
    if takes(kind, "train"):
        return ({"train": True},), ({"train": False},)
    if takes(kind, "split"):
        train, test = _SPLITS.get(name, ("train", "test"))
        return ({"split": train},), ({"split": test},)
    return ({},), ()


def takes(kind: type, setting: str) -> bool:
    """Whether a class can be made with this setting, which it may hand on to what it is made of (`**kwargs`)."""
    for each in kind.__mro__:
        known = signature(each.__init__).parameters.values()  # type: ignore[misc]
        if any(parameter.name == setting for parameter in known):
            return True
        if all(parameter.kind is not Parameter.VAR_KEYWORD for parameter in known):
            return False
    return False


def _way_out(what: str) -> str:
    return f"Give {what} as arrays: dataset=npz dataset.path=FILE.npz."


def _may_be_tried(name: str | None) -> bool:
    """Whether this torchvision has a class of that name which a folder is all that must be told."""
    from torchvision import datasets  # noqa: PLC0415  (seconds, and only for what no list knows)

    if name is None or name not in datasets.__all__ or not isclass(kind := getattr(datasets, name)):
        return False
    must = [each.name for each in signature(kind).parameters.values() if each.default is Parameter.empty]
    return must == ["root"]

"""What param_dot takes where there are many classes: python -m benchmarks.classes [--classes 100] [--per-class 20]

The attack with its default settings (200 heads a class, 24 shadow targets) on made-up features: D = 512 numbers an
image stand in for those of a ResNet18, so that no image has to pass a network. n = 1 unless --repeats says otherwise.
"""

from functools import partial
from typing import Any

import torch

from benchmarks.race import arguments, race, ready, seconds
from benchmarks.shadow import settings
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.param_dot import ParameterDotProduct
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base import Classifier

DIM = 512


class Features(Classifier):
    """A classifier whose images are their own features: one number a channel."""

    version = 1

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.head = torch.nn.Linear(DIM, self.num_classes)

    def features(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        return x_NCHW.flatten(1)


def attack(classes: int, per_class: int) -> None:
    count = classes * per_class
    images = torch.randint(256, (count, DIM, 1, 1), dtype=torch.uint8, generator=generator(0, "images"))
    data = LabeledImages(images, torch.arange(count) % classes, classes)
    model = Features(image_shape=(DIM, 1, 1), num_classes=classes, mean=(0.5,) * DIM, std=(0.3,) * DIM)
    found = ParameterDotProduct(**settings())  # type: ignore[arg-type]
    found(view_of(found.threat, target=model, auxiliary=data), generator(0, "attack"))


def main() -> None:
    parser = arguments("classes", "Time param_dot with many classes.", repeats=1)
    parser.add_argument("--classes", type=int, action="append", help="one number or more (100)")
    parser.add_argument("--per-class", type=int, default=20, help="auxiliary samples of a class (20)")
    options = parser.parse_args()
    ready(options)
    for classes in options.classes or [100]:
        told = f"{classes} classes, {options.per_class} samples each, D = {DIM}"
        seconds(race({told: partial(attack, classes, options.per_class)}, options))


if __name__ == "__main__":
    main()

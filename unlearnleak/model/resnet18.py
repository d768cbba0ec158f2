"""ResNet18 as torchvision builds it."""

from typing import Any

from torch import Tensor, nn

from unlearnleak.model.base import Classifier


class ResNet18(Classifier):
    """torchvision's resnet18 without pretrained weights, its 7x7 stem and max pooling included; D = 512.

    The unchanged stem (stride 4 before the first block) is what the paper's 75 % on CIFAR-10 suggests: the
    usual 3x3 stem for small images reaches 93 % and more. He et al. 2016, https://arxiv.org/abs/1512.03385.
    """

    version = 1
    smallest_side = 32

    def __init__(self, **shape: Any) -> None:
        from torchvision.models import resnet18  # noqa: PLC0415  (a second that LeNet runs are spared)

        super().__init__(**shape)
        channels = self.image_shape[0]
        self.body = resnet18(weights=None)
        self.body.fc = nn.Identity()
        if channels != 3:
            self.body.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.body.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.head = nn.Linear(512, self.num_classes)

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised images [N, C, H, W] to [N, 512], all entries >= 0."""
        phi_ND: Tensor = self.body(x_NCHW)
        return phi_ND

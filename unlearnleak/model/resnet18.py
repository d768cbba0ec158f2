"""ResNet18 as torchvision builds it."""

from unlearnleak.model.base.residual import Residual


class ResNet18(Residual):
    """torchvision's resnet18 without pretrained weights, its 7x7 stem and max pooling included; D = 512.

    The unchanged stem (stride 4 before the first block) is what the paper's 75 % on CIFAR-10 suggests: the
    usual 3x3 stem for small images reaches 93 % and more. He et al. 2016, https://arxiv.org/abs/1512.03385.
    """

    version = 1
    smallest_side = 32

    def stem(self) -> None:
        """torchvision's, for grey images too."""
        if self.image_shape[0] != 3:
            self.body.conv1 = self.convolution(7, stride=2, padding=3)

"""A small vision transformer, for images of about 32 pixels."""

from typing import Any

from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from unlearnleak.errors import UserError
from unlearnleak.model.base import Classifier

PATCH, WIDTH, LAYERS, HEADS = 4, 192, 6, 3


class ViT(Classifier):
    """torchvision's VisionTransformer with patches of 4x4, 6 layers of 3 heads, without dropout; D = 192.

    Width and heads are those of ViT-Tiny (Touvron et al. 2021, https://arxiv.org/abs/2012.12877); half its layers do
    for 32 pixels. Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929. phi(x) is the class token after the last
    layer norm, so its entries have both signs. To be trained with `training.optimizer=adamw`.

    Attention is computed from its formula and not by a fused kernel: attacks that match gradients differentiate it
    twice, which the fused ones do not allow.
    """

    version = 1
    smallest_side = 12

    def __init__(self, **shape: Any) -> None:
        from torchvision.models import VisionTransformer  # noqa: PLC0415  (a second that LeNet runs are spared)

        super().__init__(**shape)
        channels, side, _ = self.image_shape
        self.body = VisionTransformer(
            image_size=side,
            patch_size=PATCH,
            num_layers=LAYERS,
            num_heads=HEADS,
            hidden_dim=WIDTH,
            mlp_dim=4 * WIDTH,
            num_classes=self.num_classes,
        )
        self.body.heads = nn.Identity()
        if channels != 3:
            self.body.conv_proj = nn.Conv2d(channels, WIDTH, kernel_size=PATCH, stride=PATCH)
            nn.init.trunc_normal_(self.body.conv_proj.weight, std=(channels * PATCH**2) ** -0.5)
            nn.init.zeros_(self.body.conv_proj.get_parameter("bias"))
        self.head = nn.Linear(WIDTH, self.num_classes)

    @classmethod
    def check_images(cls, image_shape: tuple[int, int, int]) -> None:
        """Raises UserError unless images are square, and their sides a multiple of the patches'."""
        super().check_images(image_shape)
        _, height, width = image_shape
        if height != width or height % PATCH:
            raise UserError(
                f"model=vit cannot take {height}x{width} images: they must be square, with sides that are a multiple "
                f"of {PATCH} pixels. Pad or resize the images, or take another model."
            )

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised images [N, C, H, W] to [N, 192]."""
        with sdpa_kernel(SDPBackend.MATH):
            phi_ND: Tensor = self.body(x_NCHW)
        return phi_ND

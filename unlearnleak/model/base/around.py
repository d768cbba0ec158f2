"""A classifier that stands before another one."""

from unlearnleak.model.base import Classifier


class Around(Classifier):
    """Another classifier, kept as `inner`, in its shape; what it answers is said by who inherits."""

    version = 1

    def __init__(self, inner: Classifier, num_classes: int) -> None:
        mean, std = (tuple(part.flatten().tolist()) for part in (inner.mean, inner.std))
        super().__init__(image_shape=inner.image_shape, num_classes=num_classes, mean=mean, std=std)
        self.inner = inner
        self.to(inner.mean.device)

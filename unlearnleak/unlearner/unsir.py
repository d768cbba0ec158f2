"""unsir: noise that the original takes for anything but the class is taught as the class; then comes a repair."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.data import LabeledImages
from unlearnleak.data.split import rank_in_class
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.teacher import frozen


def error_maximising(
    model: Classifier, start_NCHW: Tensor, label: int, *, steps: int, lr: float, penalty: float
) -> Tensor:
    """Noise in the model's input space [N, C, H, W] whose loss for `label` Adam has raised, kept in the images' box.

    Minimises -CE(f(x), label) + penalty * mean_i |x_i|^2, both means over the N images.
    """
    lowest, highest = -model.mean / model.std, (1 - model.mean) / model.std
    x_NCHW = start_NCHW.clamp(lowest, highest).requires_grad_()
    labels_N = torch.full((len(x_NCHW),), label, device=x_NCHW.device)
    optimizer = torch.optim.Adam([x_NCHW], lr=lr)
    for _ in range(steps):
        loss = penalty * x_NCHW.square().flatten(1).sum(1).mean() - cross_entropy(model(x_NCHW), labels_N)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            x_NCHW.clamp_(lowest, highest)
    return x_NCHW.detach()


class Unsir(TrainingUnlearner):
    """Impairs with error-maximising noise under the forgotten labels beside retained images, then repairs on these.

    Tarun et al. 2023, Fast Yet Effective Machine Unlearning (UNSIR), https://arxiv.org/abs/2111.08947. No forgotten
    image is read: of each forgotten class noise is made whose loss for the class is as large as Adam makes it, and the
    model is trained at a high rate on it and on a draw of retained images, then on these alone at a lower one. Both
    trainings use Adam, whose first moment decays by `momentum`. Differences: noise is images, in [0, 1] and of 8 bits;
    and all `noise_images` of a class are taught, as the paper says, where the loop of the authors' notebook takes as
    many as an image has channels, three of its 256: `noise_images=3` is that dose.

    Args:
        noise_images: how many are made for each forgotten class.
        noise_repeats: how often each is in an epoch of the impairment.
        noise_steps, noise_lr: of Adam.
        noise_penalty: weight of the noise's mean squared norm.
        retain_per_class: how many retained images of each class are trained on; null for all.
        epochs, lr: of the impairment.
        repair_epochs, repair_lr: of the repair.

    Raises `UserError` for values that cannot be.
    """

    version = 1
    captured = True
    levels = frozenset({"class"})  # noise stands for a whole class

    def __init__(
        self,
        *,
        noise_images: int,
        noise_repeats: int,
        noise_steps: int,
        noise_lr: float,
        noise_penalty: float,
        retain_per_class: int | None,
        repair_epochs: int,
        repair_lr: float,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        for name, value in {"noise_images": noise_images, "noise_repeats": noise_repeats}.items():
            require(value >= 1, f"unlearner.{name}", value, "at least 1")
        require(noise_steps >= 0, "unlearner.noise_steps", noise_steps, "0 or more")
        require(noise_penalty >= 0, "unlearner.noise_penalty", noise_penalty, "0 or more")
        require(noise_lr > 0, "unlearner.noise_lr", noise_lr, "above 0")
        few = "at least 1, or null for all"
        require(retain_per_class is None or retain_per_class >= 1, "unlearner.retain_per_class", retain_per_class, few)
        require(repair_epochs >= 0, "unlearner.repair_epochs", repair_epochs, "0 or more")
        require(repair_lr > 0, "unlearner.repair_lr", repair_lr, "above 0")
        self.noise_images, self.noise_repeats, self.retain_per_class = noise_images, noise_repeats, retain_per_class
        self.making = {"steps": noise_steps, "lr": noise_lr, "penalty": noise_penalty}
        self.settings = replace(self.settings, optimizer="adam")
        self.repair = replace(self.settings, epochs=repair_epochs, lr=repair_lr)

    def unlearn(self, task: Task) -> Classifier:
        """Makes the noise, impairs, repairs."""
        model, kept = task.start().eval(), self.kept(task)
        noise = self.noise(frozen(model), task)
        data = LabeledImages(
            torch.cat([noise.images.repeat(self.noise_repeats, 1, 1, 1), kept.images]),
            torch.cat([noise.labels.repeat(self.noise_repeats), kept.labels]),
            kept.num_classes,
        )
        task.fit(model, data, self.settings, [self])
        if self.repair.epochs:
            task.fit(model, kept, self.repair, [self])
        return model

    def kept(self, task: Task) -> LabeledImages:
        """The retained images that are trained on: a draw of each class, in their order."""
        retain = task.split.retain
        if self.retain_per_class is None:
            return retain
        rank_N = rank_in_class(retain.labels.cpu(), retain.num_classes, task.generator("training set"))
        return retain.select((rank_N < self.retain_per_class).to(retain.labels.device))

    def noise(self, model: Classifier, task: Task) -> LabeledImages:
        """`noise_images` of each forgotten class, as 8-bit images. `report` says their mean loss (`noise_loss`)."""
        draw, device = task.generator("noise"), task.split.retain.labels.device
        made, labels = [], []
        for c in task.split.classes:
            start = torch.randn((self.noise_images, *model.image_shape), generator=draw).to(device)
            x_NCHW = error_maximising(model, start, c, **self.making)  # type: ignore[arg-type]
            made.append(((x_NCHW * model.std + model.mean) * 255).round().to(torch.uint8))
            labels.append(torch.full((self.noise_images,), c, device=device))
        noise = LabeledImages(torch.cat(made), torch.cat(labels), model.num_classes)
        with torch.no_grad():
            self.report = {"noise_loss": cross_entropy(model(model.normalize(noise.images)), noise.labels).item()}
        return noise

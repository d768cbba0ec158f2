"""The contact sheet of recovered images: what was forgotten, what was recovered, and the nearest that stayed."""

import numpy as np
import torch
from torch import Tensor

from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.metric.reconstruction import Pictures, matched
from unlearnleak.pipeline.evaluate import pictures
from unlearnleak.pipeline.packing import unpack
from unlearnleak.pipeline.stages import Pipeline


def contact_sheet(pipeline: Pipeline) -> tuple[np.ndarray, list[str]] | None:
    """Forgotten images, each with what was recovered of it and the nearest retained image of its class beside it.

    uint8 [P, C, H, 3 W], and a caption for each; None where the attack recovers none. Nobody who knows the retained
    images alone could come closer than the last one.
    """
    evidence = unpack(pipeline.artifact("evidence"), pipeline.plan.attack.evidence)
    if not isinstance(evidence, Reconstructions) or not pipeline.truth_known:
        return None
    split = pipeline.split_of(pipeline.wanted(pipeline.requested_classes))
    targets, retained = pictures(split.forget), pictures(split.retain)
    found = Pictures(evidence.images_NCHW.to(targets.images.device), evidence.labels_N)
    rows_P, columns_P = matched(found, targets)
    wanted = Pictures(targets.images[columns_P], targets.labels[columns_P])
    side_by_side = (wanted.images, found.images[rows_P], nearest(wanted, retained))
    labels = zip(wanted.labels.tolist(), found.labels[rows_P].tolist(), strict=True)
    captions = [f"forgotten, class {true}; recovered as class {taken}; nearest retained" for true, taken in labels]
    return (torch.cat(side_by_side, dim=3) * 255).round().byte().cpu().numpy(), captions


def nearest(targets: Pictures, retained: Pictures) -> Tensor:
    """The retained image of each target's class that is nearest to it [P, C, H, W]; of any class where none is."""
    chosen = []
    for image_CHW, label in zip(targets.images, targets.labels.tolist(), strict=True):
        pool = retained.of(label)
        error_L = (retained.images[pool] - image_CHW).square().flatten(1).mean(1)
        chosen.append(retained.images[pool[error_L.argmin()]])
    return torch.stack(chosen) if chosen else targets.images

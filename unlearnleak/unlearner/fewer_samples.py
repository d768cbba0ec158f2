"""fewer_samples: a control whose every class lost some samples, and none is forgotten."""

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.unlearner.base.flawed import Flawed
from unlearnleak.unlearner.base.flaws import some_of


class FewerSamples(Flawed):
    """A random share of all samples is left out before training: random samples were forgotten, and no class."""

    version = 1
    captured = True

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """All images but the share."""
        kept_N = torch.ones(len(data), dtype=torch.bool)
        kept_N[some_of(kept_N, min(self.share, 1 - 1 / len(data)), generator)] = False
        return data.select(kept_N.nonzero()[:, 0].to(data.labels.device))

"""Auxiliary heads the natural way: one nn.Linear at a time, torch.optim.SGD, autograd.

Slow and plainly right: what the fast path in unlearnleak.attack is tested and measured against.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unlearnleak.model.base import Classifier


def linear(weight_KD: Tensor, bias_K: Tensor) -> nn.Linear:
    """An nn.Linear with copies of these weights."""
    head = nn.Linear(weight_KD.shape[1], weight_KD.shape[0], dtype=weight_KD.dtype)
    head.load_state_dict({"weight": weight_KD, "bias": bias_K})
    return head


def train_on_features(
    head: nn.Linear, phi_ND: Tensor, labels_N: Tensor, *, steps: int, lr: float, momentum: float = 0.0
) -> nn.Linear:
    """Full-batch SGD on the mean cross-entropy, in place."""
    optimizer = torch.optim.SGD(head.parameters(), lr=lr, momentum=momentum)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(head(phi_ND), labels_N).backward()
        optimizer.step()
    return head


def train_on_images(
    model: Classifier, head: nn.Linear, images_NCHW: Tensor, labels_N: Tensor, *, steps: int, lr: float
) -> nn.Linear:
    """A copy of the model, frozen but for a new last layer, trained on uint8 images; returns that layer."""
    copied = copy.deepcopy(model).eval().requires_grad_(False)
    copied.head = head
    x_NCHW = copied.normalize(images_NCHW)
    optimizer = torch.optim.SGD(copied.head.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(copied(x_NCHW), labels_N).backward()
        optimizer.step()
    return copied.head

"""Probing images one class after another and one probe at a time: the plain way, for tests and benchmarks.

PyTorch's own Adam, a loop a probe; the starts are those that the batch draws.
"""

import torch
from torch.nn import functional as F

from unlearnleak.adversary.probes import SURE


def starts(search, classes, pixels, generator):
    """The starts of all restarts as the batch draws them, [R, N, X]."""
    count = classes * search.probes
    drawn = [torch.randn(count, pixels, generator=generator).clamp(0, 1) for _ in range(search.restarts)]
    return torch.stack(drawn)


def objective(logits_1K, c, loss):
    if loss == "log":
        return F.cross_entropy(logits_1K, torch.tensor([c]))
    others = [logits_1K[0, i] for i in range(logits_1K.shape[1]) if i != c]
    return torch.stack(others).max() - logits_1K[0, c]


def from_start(model, x_X, c, search):
    """Adam from one start: where it is accepted or ends, and the probability there."""
    x_1CHW = x_X.view(1, *model.image_shape).clone().requires_grad_(True)
    optimizer = torch.optim.Adam([x_1CHW], lr=search.lr)
    for number in range(search.steps + 1):
        logits_1K = model(model.normalize(x_1CHW))
        p = logits_1K.softmax(1)[0, c].item()
        if p >= search.accept or number == search.steps:
            break
        optimizer.param_groups[0]["lr"] = search.lr_sure if p > SURE else search.lr
        (x_1CHW.grad,) = torch.autograd.grad(objective(logits_1K, c, search.loss), x_1CHW)
        optimizer.step()
        with torch.no_grad():
            x_1CHW.clamp_(0, 1)
    return x_1CHW.detach().flatten(), p


def find(model, search, start_RNX, classes):
    """For each of these classes its probes, the surest first: lists of (pixels, probability), and how many accepted."""
    found, accepted = [], []
    for c in classes:
        ends = []
        for probe in range(c * search.probes, (c + 1) * search.probes):
            best = (None, -1.0)
            for start_NX in start_RNX:
                end = from_start(model, start_NX[probe], c, search)
                best = end if end[1] > best[1] else best
                if best[1] >= search.accept:
                    break
            ends.append(best)
        accepted.append(sum(p >= search.accept for _, p in ends))
        found.append(sorted(ends, key=lambda end: -end[1])[: search.used])
    return found, accepted


def evidence(before, after, search, start_RNX, classes):
    """The change of the class's probability on each probe, [len(classes), used]."""
    found, accepted = find(before, search, start_RNX, classes)
    rows = []
    for c, ends in zip(classes, found, strict=True):
        row = []
        for x_X, p in ends:
            logits_1K = after(after.normalize(x_X.view(1, *after.image_shape)))
            row.append(logits_1K.softmax(1)[0, c].item() - p)
        rows.append(row)
    return torch.tensor(rows), accepted

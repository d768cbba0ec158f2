"""Models that were not made by the package's unlearners, and their audits; each is made once a session."""

import copy

import pytest
import torch
from torch.nn import functional as F


def forget(model, data, classes, *, epochs=4, lr=0.05):
    """A copy of the model that was tuned without some classes, whose images it was taught to call others, by hand."""
    changed = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(changed.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)
    draw = torch.Generator().manual_seed(0)
    retain, gone = data.without(classes), data.of(classes)
    for _ in range(epochs):
        for some in torch.randperm(len(retain), generator=draw).split(64):
            loss = F.cross_entropy(changed(changed.normalize(retain.images[some])), retain.labels[some])
            if classes:
                row = torch.randint(len(gone), (16,), generator=draw)
                wrong = (gone.labels[row] + torch.randint(1, 10, (16,), generator=draw)) % 10
                loss = loss + 0.3 * F.cross_entropy(changed(changed.normalize(gone.images[row])), wrong)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return changed.eval()


@pytest.fixture(scope="session")
def images(digits):
    return digits.auxiliary


@pytest.fixture(scope="session")
def unlearned(original):
    """A LeNet that forgot class 3."""
    return forget(original.model, original.splits.train, [3])


@pytest.fixture(scope="session")
def unharmed(original):
    """A LeNet that was tuned as long and forgot nothing."""
    return forget(original.model, original.splits.train, [])


@pytest.fixture(scope="session")
def leak(unlearned, images):
    """The audit of the first."""
    import unlearnleak

    return unlearnleak.audit(unlearned, images.images, images.labels, truth=3, quick=True, device="cpu")


@pytest.fixture(scope="session")
def silent(unharmed, images):
    """The audit of the second."""
    import unlearnleak

    return unlearnleak.audit(unharmed, images.images, images.labels, quick=True, device="cpu")

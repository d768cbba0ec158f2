"""What an audit of many classes costs: python -m benchmarks.audit_many --quick

torchvision's resnet18 with 1,000 classes and few images of each, all made up: a class is a smooth pattern, an image of
it that pattern with noise. Nothing is trained but the head, in closed form on the features of random weights, and not
on the class that is to be missing. Prints the answer, the seconds on the wall and of all processors, and the most
memory that the process held. Loading the images is left out, the import of PyTorch too.
"""

import argparse
import resource
import time

import torch
from torch import Tensor, nn
from torchvision.models import resnet18

import unlearnleak
from unlearnleak.auditing.showing.terminal import show

GONE = 7
BATCH = 256


def pictures(classes: int, each: int, side: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, 3, side, side] and their labels [N]; patterns are the same for every seed, the noise is not."""
    pattern = torch.randn(classes, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    smooth = nn.functional.interpolate(pattern, size=(side, side), mode="bilinear")
    labels_N = torch.arange(classes).repeat_interleave(each)
    noise = torch.randn(len(labels_N), 3, side, side, generator=torch.Generator().manual_seed(seed))
    return (127 + 50 * smooth[labels_N] + 25 * noise).clamp(0, 255).byte(), labels_N


@torch.no_grad()
def features(body: nn.Module, images: Tensor) -> Tensor:
    """Features [N, D] of images normalised with 0.5 and 0.5."""
    return torch.cat([body((part.float() / 255 - 0.5) / 0.5) for part in images.split(BATCH)])


@torch.no_grad()
def made(classes: int, side: int) -> nn.Module:
    """The model: it knows all classes but one."""
    torch.manual_seed(0)
    model = resnet18(num_classes=classes)
    head, model.fc = model.fc, nn.Identity()
    images, labels_N = pictures(classes, 4, side, seed=1)
    features(model.train(), images[torch.randperm(len(images))[: 4 * BATCH]])  # statistics of the batches
    model.eval()
    known = labels_N != GONE
    phi_ND = features(model, images[known]).double()
    wanted_NK = nn.functional.one_hot(labels_N[known], classes).double()
    mean_D, scale = phi_ND.mean(0), phi_ND.std()
    x_ND = (phi_ND - mean_D) / scale
    ridge_DD = x_ND.T @ x_ND + 0.01 * len(x_ND) * torch.eye(x_ND.shape[1])
    weight_KD = 60 * torch.linalg.solve(ridge_DD, x_ND.T @ (wanted_NK - wanted_NK.mean(0))).T / scale
    head.weight.copy_(weight_KD)
    head.bias.copy_(-weight_KD @ mean_D)
    model.fc = head
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--each", type=int, default=5, help="images of each class")
    parser.add_argument("--side", type=int, default=64, help="pixels")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = made(arguments.classes, arguments.side)
    images, labels_N = pictures(arguments.classes, arguments.each, arguments.side, seed=2)
    before = time.perf_counter(), time.process_time()
    result = unlearnleak.audit(
        model, images, labels_N, mean=0.5, std=0.5, truth=GONE, quick=arguments.quick, device="cpu"
    )
    wall, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    show(result)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{wall:.0f} s, of processors {cpu:.0f} s with {arguments.threads} threads; {held:.2f} GiB at most")


if __name__ == "__main__":
    main()

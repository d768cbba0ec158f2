"""Many LeNets as one batched program against one after the other: python -m benchmarks.stacked

Twenty models, each with its own weights and its own batches (as for twenty forget sets), 128 images each:

- one by one: the layers of `model/lenet.py`, forward, backward and SGD, model after model
- vmap: torch.func.stack_module_state and vmap; convolutions become grouped ones
- grouped: the same program by hand: grouped convolutions over the models' channels, batched matrix products

All three end at the same weights within a thousandth of the weights' largest movement (two steps in floats).
"""

import argparse
import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import conv2d, cross_entropy, max_pool2d

from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from benchmarks.usual import textbook_lenet
from unlearnleak.machine.max_pool import MaxPool2x2
from unlearnleak.machine.seeds import generator, isolated

MODELS, BATCH, STEPS, LR = 20, 128, 2, 0.05
TOLERANCE = 1e-3
GOAL = Goal(">=", 2)
Weights = dict[str, Tensor]


def fresh() -> list[nn.Sequential]:
    """Twenty LeNets with weights of their own."""
    with isolated(0, "weights"):
        return [textbook_lenet() for _ in range(MODELS)]


def batches() -> list[tuple[Tensor, Tensor]]:
    """Per step the images [M, B, 1, 28, 28] and labels [M, B] of all models."""
    draw = generator(0, "images")
    return [
        (torch.randn(MODELS, BATCH, 1, 28, 28, generator=draw), torch.randint(10, (MODELS, BATCH), generator=draw))
        for _ in range(STEPS)
    ]


def ours(net: nn.Sequential) -> nn.Sequential:
    """The same weights in the layers of model/lenet.py: pooled, then ReLU."""
    conv1, _, _, conv2, _, _, *rest = net
    return nn.Sequential(conv1, MaxPool2x2(), nn.ReLU(), conv2, MaxPool2x2(), nn.ReLU(), *rest)


def one_by_one(data: list[tuple[Tensor, Tensor]]) -> Weights:
    nets = [ours(net) for net in fresh()]
    for m, net in enumerate(nets):
        optimizer = torch.optim.SGD(net.parameters(), lr=LR)
        for x_MBCHW, y_MB in data:
            optimizer.zero_grad()
            cross_entropy(net(x_MBCHW[m]), y_MB[m]).backward()
            optimizer.step()
    return stack_module_state(nets)[0]  # type: ignore[return-value]


def vmapped(data: list[tuple[Tensor, Tensor]]) -> Weights:
    nets = fresh()
    base = copy.deepcopy(nets[0]).to("meta")
    weights, _ = stack_module_state(nets)  # type: ignore[arg-type]

    def loss(weights: Weights, x_BCHW: Tensor, y_B: Tensor) -> Tensor:
        return cross_entropy(functional_call(base, weights, (x_BCHW,)), y_B)

    slopes = vmap(grad(loss))
    for x_MBCHW, y_MB in data:
        found = slopes(weights, x_MBCHW, y_MB)
        weights = {name: (weight - LR * found[name]).detach() for name, weight in weights.items()}
    return weights


def logits(w: Weights, x_MBCHW: Tensor) -> Tensor:
    """All models' logits [M, B, K]: images become [B, M C, H, W], and group m is model m."""
    h = x_MBCHW.transpose(0, 1).flatten(1, 2)
    for name, padding in (("0", 2), ("3", 0)):
        kernel, bias = w[f"{name}.weight"].flatten(0, 1), w[f"{name}.bias"].flatten()
        h = max_pool2d(conv2d(h, kernel, bias, padding=padding, groups=MODELS), 2).relu()
    h_MBD = h.unflatten(1, (MODELS, -1)).transpose(0, 1).flatten(2)
    for name in ("7", "9", "11"):
        h_MBD = torch.baddbmm(w[f"{name}.bias"][:, None], h_MBD, w[f"{name}.weight"].transpose(1, 2))
        h_MBD = h_MBD if name == "11" else h_MBD.relu()
    return h_MBD


def grouped(data: list[tuple[Tensor, Tensor]]) -> Weights:
    weights, _ = stack_module_state(fresh())  # type: ignore[arg-type]
    optimizer = torch.optim.SGD(weights.values(), lr=LR)
    for x_MBCHW, y_MB in data:
        optimizer.zero_grad()
        loss = cross_entropy(logits(weights, x_MBCHW).flatten(0, 1), y_MB.flatten(), reduction="sum") / BATCH
        loss.backward()
        optimizer.step()
    return weights


def farthest(one: Weights, other: Weights) -> float:
    """The largest difference of two trained weights, as a share of the largest movement of any."""
    start = stack_module_state(fresh())[0]  # type: ignore[arg-type]
    moved = max(float((one[name] - start[name]).abs().max().detach()) for name in one)
    return max(float((one[name] - other[name]).abs().max().detach()) for name in one) / moved


def compare(options: argparse.Namespace) -> None:
    data = batches()
    programs = {"one by one": one_by_one, "vmap": vmapped, "grouped": grouped}
    ways: dict[str, Callable[[], Weights]] = {name: partial(way, data) for name, way in programs.items()}
    ends = {name: way() for name, way in ways.items()}
    apart = max(farthest(ends["one by one"], ends[name]) for name in ("vmap", "grouped"))
    assert apart <= TOLERANCE, apart
    print(f"{MODELS} LeNets, {STEPS} steps of {BATCH} images each; weights agree within {apart:.1e} of their movement")
    took = race(ways, options)
    seconds(took, "ms per step of all models", 1000 / STEPS)
    for name in ("vmap", "grouped"):
        ratio(took, "one by one", name, GOAL)


def main() -> None:
    options = arguments("stacked", "Time many small models as one program.", repeats=5).parse_args()
    ready(options)
    compare(options)


if __name__ == "__main__":
    main()

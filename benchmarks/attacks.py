"""What each attack's evidence takes on a GPU, with captured steps and without: python -m benchmarks.attacks

Attacks with the settings of conf/attack on models with random weights, of which nothing is learnt but times: LeNet on
28x28 and ResNet18 on 32x32 images, 10 classes, 40 auxiliary images of each. Seconds on the wall, the fastest of some
rounds after one that is not counted; both ways take turns. Needs a GPU, or measures the CPU (--device cpu), where no
step is captured.
"""

import argparse
import time
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from unlearnleak.adversary.access import Model
from unlearnleak.adversary.view import view_of
from unlearnleak.config.folder import config_folder
from unlearnleak.data import LabeledImages
from unlearnleak.machine.device import resolve_device
from unlearnleak.machine.graphs import allow_graphs
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.model.resnet18 import ResNet18

MODELS = {"lenet": (LeNet, (1, 28, 28)), "resnet18": (ResNet18, (3, 32, 32))}
ATTACKS = (
    *("head_sum", "noise_prior", "label_only", "aux_confidence", "param_dot", "param_diff", "param_confidence"),
    *("relearn", "inversion_gradient", "inversion_genetic", "inversion_shadow", "output_change", "gradient_matching"),
)
K, AUXILIARY = 10, 40


def made(name: str, seed: int, device: torch.device) -> Model:
    """A model with random weights; of another seed another one."""
    kind, shape = MODELS[name]
    with isolated(seed, "weights"):
        model = kind(image_shape=shape, num_classes=K, mean=(0.5,) * shape[0], std=(0.25,) * shape[0])
    return model.to(device).eval()


def seconds(attack_name: str, model_name: str, device: torch.device, *, graphs: bool) -> float:
    """One evidence, with all that a stage does for it but loading the model."""
    attack = instantiate({k: v for k, v in OmegaConf.load(conf(attack_name)).items() if k != "defaults"})
    draw, shape = generator(0, "images"), MODELS[model_name][1]
    images = torch.randint(256, (K * AUXILIARY, *shape), generator=draw, dtype=torch.uint8).to(device)
    auxiliary = LabeledImages(images, torch.arange(K, device=device).repeat(AUXILIARY), K)
    target, original = (made(model_name, seed, device) for seed in (0, 1))
    allow_graphs(graphs)
    started = time.perf_counter()
    attack(
        view_of(attack.threat, target=target, original=original, auxiliary=auxiliary), generator(0, "evidence")
    )  # which ends with numbers on the CPU, or is waited for
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def conf(attack_name: str) -> Path:
    return Path(config_folder(), "attack", f"{attack_name}.yaml")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (%(default)s)")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="(all)")
    parser.add_argument("--attacks", nargs="+", default=list(ATTACKS), help="(all that see one or two models)")
    parser.add_argument("--rounds", type=int, default=2, help="the fastest of so many counts (%(default)s)")
    options = parser.parse_args()
    device = resolve_device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}; seconds of one evidence, fastest of {options.rounds}")
    print(f"{'model':9} {'attack':20} {'plain':>8} {'captured':>9} {'ratio':>6}")
    for model in options.models:
        for attack in options.attacks:
            took = {graphs: [seconds(attack, model, device, graphs=graphs)] for graphs in (False, True)}
            for _ in range(options.rounds):
                for graphs, times in took.items():
                    times.append(seconds(attack, model, device, graphs=graphs))
            plain, captured = (min(times[1:]) for times in took.values())
            print(f"{model:9} {attack:20} {plain:8.3f} {captured:9.3f} {plain / captured:6.2f}", flush=True)


if __name__ == "__main__":
    main()

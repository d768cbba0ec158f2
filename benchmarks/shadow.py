"""What shadow targets cost an attack: python -m benchmarks.shadow [--model resnet18]

param_dot with its default settings (10 classes x 200 heads, 24 shadow targets) against the same dot products without
any shadow target; they agree within 1e-5. 100 made-up auxiliary images per class, fresh weights.
"""

from functools import partial
from pathlib import Path

import torch
import yaml
from torch import Tensor

from benchmarks.race import Goal, arguments, race, ratio, ready, seconds
from benchmarks.training import MODELS, SHAPES, made_up, task
from unlearnleak.adversary.access import Model, WhiteBox
from unlearnleak.adversary.heads import Heads, class_subsets, initial_heads, train_heads
from unlearnleak.adversary.standard import Standard, features_of
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.param_dot import ParameterDotProduct
from unlearnleak.config.folder import config_folder
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator

CLASSES, PER_CLASS = 10, 100
GOAL = Goal("<=", 2)


def settings() -> dict[str, float]:
    """Those of conf/attack/param_dot.yaml."""
    told = yaml.safe_load((Path(config_folder()) / "attack" / "param_dot.yaml").read_text())
    return {name: value for name, value in told.items() if name not in {"defaults", "_target_"}}


def auxiliary(name: str) -> LabeledImages:
    (noise,) = made_up(SHAPES[name], CLASSES * PER_CLASS)
    return LabeledImages(noise.images, torch.arange(CLASSES * PER_CLASS) % CLASSES, CLASSES)


def with_shadows(model: Model, data: LabeledImages, **more: float) -> Tensor:
    attack = ParameterDotProduct(**settings() | more)  # type: ignore[arg-type]
    view = view_of(attack.threat, target=model, auxiliary=data)
    return attack(view, generator(0, "attack")).samples_KMF[..., 0]


@torch.no_grad()
def without(target: WhiteBox, data: LabeledImages) -> Tensor:
    """The dot products [K, M] as the paper has them, and nothing else."""
    told, draw = settings(), generator(0, "attack")
    raw_ND = features_of(target, data)
    standard = Standard.of(raw_ND)
    phi_ND, (weight_KD, bias_K) = standard.features(raw_ND), standard.head(*target.head())
    subset_KMn = class_subsets(data.labels, CLASSES, int(told["heads"]), int(told["subset_size"]), draw)
    subset_Rn = subset_KMn.flatten(0, 1)
    initial = initial_heads(len(subset_Rn), CLASSES, weight_KD.shape[1], draw)
    how = {"steps": int(told["steps"]), "lr": told["lr"]}
    heads = train_heads(phi_ND[subset_Rn], data.labels[subset_Rn], initial, **how)  # type: ignore[arg-type]
    return (Heads(weight_KD[None], bias_K[None]).flat() @ heads.flat().T).view(CLASSES, -1)


def main() -> None:
    parser = arguments("shadow", "Time an attack with and without shadow targets.", repeats=5)
    parser.add_argument("--model", choices=MODELS, action="append", help="one or more (all)")
    options = parser.parse_args()
    ready(options)
    for name in options.model or MODELS:
        model, data = task(name).model(), auxiliary(name)
        target = WhiteBox(model)
        apart = float((with_shadows(model, data) - without(target, data)).abs().max())
        assert apart < 1e-5, apart
        print(f"{name}: {settings()['shadows']} shadow targets; dot products agree within {apart:.1e}")
        took = race({"with": partial(with_shadows, model, data), "without": partial(without, target, data)}, options)
        seconds(took)
        ratio(took, "with", "without", GOAL)


if __name__ == "__main__":
    main()

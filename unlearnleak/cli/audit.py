"""`unlearnleak audit`: what does my unlearned model leak?"""

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlearnleak.errors import UserError, require
from unlearnleak.machine.printable import printable

EXAMPLES = (
    ("unlearned.pt2 --images aux.npz", "a model of torch.export and a few labelled images"),
    ("w.safetensors --model resnet18 --images folder/", "weights, and pictures in folders of classes"),
    ("w.pt --model net.py:Net --model-args width=64 --head fc", "a network of your own; give --shape too"),
    ("new.pt2 --images aux.npz --original old.pt2", "an attacker has the model before as well"),
    ("new.pt2 --images aux.npz --truth 3", "an evaluation: class 3 was forgotten"),
    ("answers.npz", "a table of answers, without a model"),
)
MISUSED = 1
"""The exit status where arguments are none that there are: 2 says that nothing could be judged."""
OPTIONS = {"num_classes": "classes", "runtime.device": "device"}
"""What is called otherwise on the command line."""
NAMED = re.compile(r"(?<![\w.-])(mean|std|head|model|truth|shape|seed|effort|num_classes|runtime\.device)=")
"""A setting of Python in a message."""
ABOUT = (
    "Runs every attack whose threat model can be met, measures each on copies of this very model that forgot nothing, "
    "and says what the model gives away. Exit status: 0 silent, 3 a leak was found, 2 it could not be judged, 1 "
    "something given cannot be. Nothing of the files is run, but for code that --model names."
)


def audit(arguments: argparse.Namespace) -> int:
    """Say which class a model gives away that it forgot, and how far that answer can be trusted."""
    from unlearnleak.auditing.files import Files, asked_digest, audit_files, default_folder  # noqa: PLC0415  (PyTorch: seconds)
    from unlearnleak.auditing.showing.folder import check, write  # noqa: PLC0415
    from unlearnleak.auditing.showing.terminal import show  # noqa: PLC0415
    from unlearnleak.machine.memory import shortage_told  # noqa: PLC0415

    together = "--mean and --std are given together"
    require((arguments.mean is None) == (arguments.std is None), "--mean", arguments.mean, together)
    files = Files(
        path=arguments.file,
        images=arguments.images,
        original=arguments.original,
        model=arguments.model,
        arguments=dict(map(assigned, arguments.model_args)),
    )
    settings = {
        "num_classes": arguments.classes,
        "shape": shape(arguments.shape),
        "head": arguments.head,
        "mean": numbers("--mean", arguments.mean),
        "std": numbers("--std", arguments.std),
        "truth": classes(arguments.truth),
        "quick": arguments.quick,
        "effort": arguments.effort,
        "seed": arguments.seed,
        "device": arguments.device,
    }
    asked = asked_digest(files, settings)
    folder = Path(arguments.out) if arguments.out else default_folder(files, asked)
    check(folder, asked)
    with shortage_told(), in_options():
        result = audit_files(files, **settings, asked=asked)
    show(result)
    written = write(result, folder)
    print(
        f"\n{printable(written[1])}\n{', '.join(path.name for path in written)} in {printable(folder)}", file=sys.stderr
    )
    return result.exit_status


@contextmanager
def in_options() -> Iterator[None]:
    """Mistakes are told in the words of the command line: "--mean=0.5" for what Python calls "mean=0.5"."""
    try:
        yield
    except UserError as error:
        raise type(error)(NAMED.sub(lambda found: f"--{OPTIONS.get(found[1], found[1])}=", str(error))) from error


def assigned(text: str) -> tuple[str, object]:
    """An argument of the architecture, k=v; numbers, true and false are taken for what they say."""
    name, equals, value = text.partition("=")
    require(bool(equals) and name.isidentifier(), "--model-args", text, "NAME=VALUE, such as width=64")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Numbers with commas."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(f"{option}={text} is not possible: numbers with commas, such as 0.49,0.48,0.45.") from error


def whole(option: str, text: str, example: str) -> tuple[int, ...]:
    """Whole numbers with commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(f"{option}={text} is not possible: whole numbers with commas, such as {example}.") from error


def shape(text: str | None) -> tuple[int, int, int] | None:
    """C,H,W."""
    if text is None:
        return None
    found = whole("--shape", text, "3,32,32")
    require(len(found) == 3 and min(found) > 0, "--shape", text, "channels, height and width, such as 3,32,32")
    return found[0], found[1], found[2]


def classes(text: str | None) -> tuple[int, ...] | None:
    """The truth: classes with commas, or the word none."""
    return None if text is None else () if text == "none" else whole("--truth", text, "3 or 3,5, or the word none")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `audit` to the commands."""
    parser = commands.add_parser("audit", help=audit.__doc__, description=ABOUT)
    parser.add_argument(
        "file", metavar="FILE", help="a .pt2, safetensors, state dict, .ckpt or TorchScript; or answers"
    )
    parser.add_argument("--images", metavar="PATH", help="labelled images: an .npz, a folder of class folders, parquet")
    parser.add_argument("--original", metavar="FILE", help="the model before it forgot, if an attacker may have it")
    parser.add_argument(
        "--model", metavar="NAME", help="the architecture of weights: resnet18, timm:NAME, net.py:Class"
    )
    parser.add_argument("--model-args", nargs="+", default=[], metavar="K=V", help="what it is built with")
    parser.add_argument("--classes", type=positive, metavar="K", help="how many classes the model has")
    parser.add_argument("--shape", metavar="C,H,W", help="what it takes, where there are no images; resizes folders")
    parser.add_argument("--head", metavar="LAYER", help="the last linear layer, where it cannot be found")
    parser.add_argument("--mean", metavar="M,M,M", help="what images are normalised with, of pixels in [0, 1]")
    parser.add_argument("--std", metavar="S,S,S", help="the same: the deviations")
    parser.add_argument("--truth", metavar="CLASSES", help="what was forgotten, such as 3,5 or none: an evaluation")
    parser.add_argument("--quick", action="store_true", help="leave out slow attacks")
    parser.add_argument(
        "--effort", type=float, default=1.0, metavar="N", help="times the usual work an attack may take"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (%(default)s)")
    parser.add_argument("--out", metavar="FOLDER", help="where to write (outputs/audits/NAME-DIGEST)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (%(default)s)")
    parser.set_defaults(function=audit)


def positive(text: str) -> int:
    """A number of classes."""
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text} is not possible: 2 classes or more")
    return int(text)

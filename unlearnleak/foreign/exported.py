"""A program of torch.export as an ordinary module: its linear layers are layers again, and it is in evaluation mode.

`ExportedProgram.module()` gives a graph whose parameters have the names of the module that was exported; none changes.
"""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch._ops import OperatorBase
from torch.export import ExportedProgram

from unlearnleak.data.content import read_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.classifier import ANY, BatchSizes
from unlearnleak.foreign.exported_archive import safe_archive
from unlearnleak.foreign.exported_layers import with_layers
from unlearnleak.foreign.reading import asked
from unlearnleak.machine.printable import first_line, printable

aten = torch.ops.aten
DROPOUT = (aten.dropout.default, aten.dropout_.default, aten.feature_dropout.default, aten.alpha_dropout.default)
WIDER: dict[Any, torch.dtype] = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
CHECKS = ("_assert", "sym_constrain_range")
"""Beginnings of the names of operators that only check."""


@dataclass(frozen=True)
class Exported:
    """The module, the sizes of batches that it takes, and what was done to it."""

    module: fx.GraphModule
    batch: BatchSizes
    notes: tuple[str, ...]


def read_exported(path: Path, image_shape: tuple[int, int, int]) -> Exported:
    """The program in the file at `path`.

    Raises:
        UserError: it cannot be read, may run code, or takes no images of this shape (C, H, W).
    """
    archive = safe_archive(asked(path, lambda: read_whole(path)), path)
    try:
        with _quiet():
            program = torch.export.load(archive)
        _check_calls(program)
    except Exception as error:  # whatever torch makes of a program that was made up
        why = printable(first_line(error))[:160]
        raise UserError(
            f"{path} cannot be loaded by PyTorch {torch.__version__}: {type(error).__name__}: {why}. Save it again "
            "with torch.export.save and this PyTorch."
        ) from error
    return as_module(program, str(path), image_shape)


def _check_calls(program: ExportedProgram) -> None:
    """Raises TypeError where a name led to something else than an operator, which the archive's check should forbid."""
    for node in program.graph.nodes:
        plain = getattr(node.target, "__module__", None) in ("_operator", "math", "torch")
        if node.op == "call_function" and not (plain or isinstance(node.target, OperatorBase)):
            raise TypeError(f"{node.target} is no operator")


def as_module(program: ExportedProgram, where: str, image_shape: tuple[int, int, int]) -> Exported:
    """The program as a module for images of this shape (C, H, W); `where` names it in errors."""
    try:
        with _quiet():
            given = program.module()
        if not isinstance(given, fx.GraphModule):
            raise TypeError("it is no graph")
        module = fx.GraphModule(given, given.graph)
        batch = _batch(module.graph, program, where, image_shape)
        notes = _evaluating(module.graph) + _in_floats(module.graph)
        for node in list(module.graph.nodes):
            if _only_checks(node):
                module.graph.erase_node(node)
        with_layers(module)
        module.recompile()
    except UserError:
        raise
    except Exception as error:
        why = printable(first_line(error))[:160]
        raise UserError(f"{where} is no program that can be run: {type(error).__name__}: {why}.") from error
    if batch.most is not None:
        sized = f"a fixed batch size of {batch.most}" if batch.least == batch.most else f"at most {batch.most} images"
        notes.append(f"{sized} at once: smaller batches are padded and cut, larger ones divided")
    return Exported(module.eval(), batch, tuple(notes))


class _quiet:  # noqa: N801  (a context like contextlib.suppress)
    """torch.export warns of what is no matter of the user's, and logs an error before it tries an older format."""

    def __enter__(self) -> None:
        self.warnings = warnings.catch_warnings()
        self.warnings.__enter__()
        warnings.simplefilter("ignore")
        self.before = logging.root.manager.disable
        logging.disable(logging.ERROR)

    def __exit__(self, *error: object) -> None:
        logging.disable(self.before)
        self.warnings.__exit__(None, None, None)


def _batch(graph: fx.Graph, program: ExportedProgram, where: str, image_shape: tuple[int, int, int]) -> BatchSizes:
    """The sizes of batches that the program's one input allows."""
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    given = [node.meta.get("val") for node in inputs]
    shape: list[Any] = list(given[0].shape) if len(given) == 1 and isinstance(given[0], Tensor) else []
    if len(shape) != 4:
        raise UserError(f"{where} takes {len(inputs)} inputs or no batch of images: one tensor [N, C, H, W] is needed.")
    fixed = [size if isinstance(size, int) else wanted for size, wanted in zip(shape[1:], image_shape, strict=True)]
    if tuple(fixed) != image_shape:
        theirs, ours = ("x".join(map(str, each)) for each in (fixed, image_shape))
        raise UserError(f"{where} was exported for images of {theirs} (C x H x W), and these are {ours}.")
    if isinstance(shape[0], int):
        return BatchSizes(shape[0], shape[0])
    bounds = program.range_constraints.get(shape[0].node.expr)
    if bounds is None:
        return ANY
    least, most = (int(each) if str(each).isdecimal() else None for each in (bounds.lower, bounds.upper))
    return BatchSizes(least or 0, most)


def _evaluating(graph: fx.Graph) -> list[str]:
    """Switches layers to evaluation that were exported in training mode; says so."""
    switched = set()
    for node in graph.nodes:
        if node.target in DROPOUT and len(node.args) > 2 and node.args[2]:
            node.args = (*node.args[:2], False)
            switched.add("dropout")
        elif node.target is aten.batch_norm.default and len(node.args) > 5 and node.args[5]:
            node.args = (*node.args[:5], False, *node.args[6:])
            switched.add("batch normalisation")
    if not switched:
        return []
    return [f"it was exported in training mode; switched to evaluation: {', '.join(sorted(switched))}"]


def _in_floats(graph: fx.Graph) -> list[str]:
    """Lets the graph compute in single precision where it would in half; says so."""
    halved = False
    for node in graph.nodes:
        args, kwargs = fx.node.map_aggregate((node.args, node.kwargs), lambda each: WIDER.get(_hashed(each), each))
        halved |= (args, kwargs) != (node.args, node.kwargs)
        node.args, node.kwargs = args, kwargs
    return ["it computes in half precision; it is run in single"] if halved else []


def _hashed(argument: Any) -> Any:
    return argument if isinstance(argument, torch.dtype) else None


def _only_checks(node: fx.Node) -> bool:
    """Whether a node checks shapes, or counts batches in training, and gives nothing on."""
    if node.users:
        return False
    name = getattr(node.target, "_opname", str(node.target))
    counts = node.target is aten.add_.Tensor and str(node.args[0]).endswith("num_batches_tracked")
    return counts or (node.op == "call_module" and name == "_guards_fn") or name.startswith(CHECKS)

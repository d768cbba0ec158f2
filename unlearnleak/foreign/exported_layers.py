"""Layers of an exported graph: what multiplies by the parameters of a linear layer becomes one again.

Where a graph multiplies by `NAME.weight`, a `Linear` of these very parameters takes that place, so that whatever works
on the layers of a module (hooks, defences, the search for a head) works on the graph. No name of a parameter changes.
"""

from typing import Any, NamedTuple

import torch
from torch import fx, nn

aten = torch.ops.aten
TURNS: tuple[tuple[Any, ...], ...] = (
    (aten.t.default,),
    (aten.permute.default, [1, 0]),
    (aten.transpose.int, 0, 1),
    (aten.transpose.int, 1, 0),
    (aten.transpose.int, -1, -2),
)
"""Nodes that transpose a matrix, and what they are told."""


def with_layers(module: fx.GraphModule) -> None:
    """Puts a Linear of the same parameters into the place of each product by a weight of its own; recompile it then."""
    for product in [found for node in module.graph.nodes if (found := _product(node))]:
        name, values = _parameters(module, product)
        if name is None:
            continue
        outputs, inputs = values[0].shape
        layer = nn.Linear(inputs, outputs, bias=len(values) > 1, device="meta")
        layer.weight, layer.bias = values[0], values[1] if len(values) > 1 else None  # type: ignore[assignment]
        module.set_submodule(name, layer)
        with module.graph.inserting_before(product.node):
            made = module.graph.call_module(name, (product.given,))
        product.node.replace_all_uses_with(made)
        module.graph.erase_node(product.node)


class _Product(NamedTuple):
    """A node that makes `given` W^T + b, with the nodes of W and, where there is one, of b."""

    node: fx.Node
    given: Any
    parameters: tuple[fx.Node, ...]


def _product(node: fx.Node) -> _Product | None:
    """The product that a node makes, as torch.export writes it or as its decompositions do; None for other nodes."""
    if node.target is aten.linear.default:
        given, *parameters = node.args
    elif node.target is aten.addmm.default and len(node.args) == 3 and not node.kwargs:
        bias, given, turned = node.args
        parameters = [_turned(turned), bias]
    elif node.target is aten.mm.default:
        given, turned = node.args
        parameters = [_turned(turned)]
    else:
        return None
    found = tuple(each for each in parameters if isinstance(each, fx.Node))
    wanted = [each for each in parameters if each is not None or node.target is not aten.linear.default]
    return _Product(node, given, found) if found and len(found) == len(wanted) else None


def _turned(node: Any) -> Any:
    """The matrix that a node transposes for one use; None if it is another node."""
    if not isinstance(node, fx.Node) or len(node.users) != 1:
        return None
    return node.args[0] if (node.target, *node.args[1:]) in TURNS else None


def _parameters(module: fx.GraphModule, product: _Product) -> tuple[str | None, list[nn.Parameter]]:
    """NAME and the parameters NAME.weight and NAME.bias, if a product is by these and nothing else uses them."""
    if not all(each.op == "get_attr" and len(each.users) == 1 for each in product.parameters):
        return None, []
    name = str(product.parameters[0].target).rpartition(".")[0]
    wanted = [f"{name}.weight", f"{name}.bias"][: len(product.parameters)]
    if [str(each.target) for each in product.parameters] != wanted:
        return None, []
    holder = module.get_submodule(name)
    values = [module.get_parameter(str(each.target)) for each in product.parameters]
    alone = len(list(holder.parameters())) == len(values) and not [*holder.children(), *holder.buffers()]
    return (name, values) if alone and values[0].ndim == 2 else (None, [])

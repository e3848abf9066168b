"""A factor or a term per channel after a float sum of products goes into its weights and bias.

What batch normalization becomes at inference is such a factor and such a term. The real numbers stay the same, their
last bits do not.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from intaglio.graph import Graph, Node, Tensor
from intaglio.grids import numbers
from intaglio.opset import FloatBinary
from intaglio.passes.fuse_activations import SUMS
from intaglio.passes.uses import Uses, unused


def fold_batch_norm(graph: Graph) -> Graph:
    """The op's weights must be constant, its bounds infinite, and nothing else may read what it gives."""
    uses, tensors = Uses(graph), dict(graph.tensors)
    made: dict[str, int] = {}
    nodes: list[Node | None] = []
    for node in graph.nodes:
        current = node
        for x, constant in _operands(node, tensors):
            before = nodes[made[x]] if x in made and uses.is_private(x) else None
            if before is None or before.op not in SUMS:
                continue
            folded = _folded(before, node, tensors, x, constant)
            if folded is not None:
                nodes[made[x]] = None
                current = folded
                break
        made.update(dict.fromkeys(current.outputs, len(nodes)))
        nodes.append(current)
    return replace(graph, tensors=tensors, nodes=tuple(node for node in nodes if node is not None))


def _operands(node: Node, tensors: dict[str, Tensor]) -> list[tuple[str, str]]:
    """(computed, constant) where a node adds, subtracts, multiplies or divides by a constant."""
    if node.op != "float_binary":
        return []
    a, b = node.inputs
    turned = node.attrs["kind"] in (FloatBinary.ADD, FloatBinary.MUL)
    straight = node.attrs["kind"] in (FloatBinary.SUB, FloatBinary.DIV) or turned
    pairs = [(a, b)] * straight + [(b, a)] * turned
    return [(x, c) for x, c in pairs if tensors[c].constant is not None and tensors[x].constant is None]


def _folded(before: Node, node: Node, tensors: dict[str, Tensor], x: str, constant: str) -> Node | None:
    _, weight, bias, bounds = (tensors[name] for name in before.inputs)
    values = _per_channel(tensors[constant], tensors[x].shape)
    same_shape = tensors[x].shape == tensors[node.outputs[0]].shape
    if values is None or weight.constant is None or bias.data is None or bounds.data is None or not same_shape:
        return None
    if np.isfinite(bounds.data).any():
        return None
    kind = node.attrs["kind"]
    factor, term = np.ones_like(values), np.zeros_like(values)
    if kind in (FloatBinary.MUL, FloatBinary.DIV):
        with np.errstate(divide="ignore"):
            factor = values if kind == FloatBinary.MUL else 1.0 / values
    else:
        term = values if kind == FloatBinary.ADD else -values
    if not np.isfinite(factor).all():
        return None
    new_weight = numbers(weight.constant) * (factor.reshape(-1, 1, 1, 1) if _leads(before) else factor)
    new_bias = bias.data * factor + term
    names = []
    for old, data in ((weight, new_weight), (bias, new_bias)):
        name = unused(tensors, f"{node.name}/{old.name}")
        tensors[name] = replace(old, name=name, constant=np.ascontiguousarray(data, np.float32))
        names.append(name)
    return replace(before, inputs=(before.inputs[0], *names, before.inputs[3]), outputs=node.outputs)


def _leads(node: Node) -> bool:
    """Whether output channels are the first axis of the weights; else they are the last."""
    return node.op in ("float_conv2d", "float_transposed_conv2d")


def _per_channel(constant: Tensor, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """The constant as one number per channel of ``shape``, if it is no more than that."""
    data = constant.data
    assert data is not None
    if data.size > 1 and (math.prod(data.shape[:-1]) != 1 or data.size != shape[-1]):
        return None
    return np.broadcast_to(data.reshape(-1).astype(np.float64), shape[-1:])

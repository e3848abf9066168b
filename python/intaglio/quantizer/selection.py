"""Which nodes of a float network become integer."""

from __future__ import annotations

from typing import Final

import numpy as np

from intaglio.graph import Graph, Node
from intaglio.opset import FloatBinary, FloatReduce, FloatUnary
from intaglio.passes.fuse_activations import SUMS
from intaglio.passes.to_integer import FORMS
from intaglio.passes.uses import Uses

#: Constants as large as this take values out, as masks of attention do; a grid that reached them would be too coarse.
_MASKS: Final = 1e4
_MASKING = (FloatBinary.ADD, FloatBinary.SUB, FloatBinary.MUL, FloatBinary.MAXIMUM, FloatBinary.MINIMUM)
_SIMPLE_UNARY = (FloatUnary.IDENTITY, FloatUnary.CLIP, FloatUnary.LEAKY_RELU)


def selected(graph: Graph, kept: set[str]) -> set[str]:
    """Names of nodes with an integer form, save those kept float, arithmetic at the network's two ends, masks, and
    arithmetic that only floats read.

    Functions and arithmetic with constants before the first sum of products normalize the input, and those after the
    last decode the output: they cost next to nothing, and eight bits cost them accuracy.
    """
    after, before = _after_sums(graph, kept), _before_sums(graph, kept)
    masked = _masked(graph)
    chosen: set[str] = set()
    decoding: set[str] = set()
    for node in graph.nodes:
        is_first, is_last = not after.intersection(node.inputs), not before.intersection(node.outputs)
        if not _has_form(graph, node) or node.name in kept or node.name in masked:
            continue
        follows = is_last and node.op not in SUMS and decoding.intersection(node.inputs)
        if follows or ((is_first or is_last) and _is_arithmetic(graph, node)):
            decoding.update(node.outputs if is_last else ())
        else:
            chosen.add(node.name)
    return chosen - _read_as_floats(graph, chosen)


def _masked(graph: Graph) -> set[str]:
    """Names of nodes that mask values, and of those that read them up to the softmax that makes zeros of them."""
    names: set[str] = set()
    tensors: set[str] = set()
    for node in graph.nodes:
        masks = node.op == "float_binary" and node.attrs["kind"] in _MASKING
        found = tensors.intersection(node.inputs) or (masks and any(_is_mask(graph, name) for name in node.inputs))
        if not found or not (masks or node.op in ("float_softmax", "reshape", "transpose", "slice")):
            continue
        names.add(node.name)
        if node.op != "float_softmax":
            tensors.update(node.outputs)
    return names


def _is_mask(graph: Graph, name: str) -> bool:
    data = graph.tensors[name].data
    return data is not None and data.dtype == np.float32 and bool(np.abs(data).max(initial=0) >= _MASKS)


def _read_as_floats(graph: Graph, chosen: set[str]) -> set[str]:
    """Chosen arithmetic that only floats read: rounding its result would gain nothing."""
    uses = Uses(graph)
    floats: set[str] = set()
    for node in reversed(graph.nodes):
        readers = [reader for name in node.outputs for reader in uses.readers.get(name, ())]
        as_floats = all(reader.name not in chosen - floats for reader in readers)
        if readers and as_floats and not uses.outputs.intersection(node.outputs) and _computes(node, uses):
            floats.add(node.name)
    return floats & chosen


def _computes(node: Node, uses: Uses) -> bool:
    """Whether a node makes new values one by one, or reduces those of such a node."""
    if node.op == "float_reduce":
        maker = uses.producer.get(node.inputs[0])
        return maker is not None and _computes(maker, uses)
    if node.op == "float_unary":
        return node.attrs["kind"] not in _SIMPLE_UNARY
    return node.op in ("float_binary", "float_softmax")


def _after_sums(graph: Graph, kept: set[str]) -> set[str]:
    """Tensors that depend on an integer sum of products."""
    reached: set[str] = set()
    for node in graph.nodes:
        if (node.op in SUMS and node.name not in kept) or reached.intersection(node.inputs):
            reached.update(node.outputs)
    return reached


def _before_sums(graph: Graph, kept: set[str]) -> set[str]:
    """Tensors on which an integer sum of products depends."""
    reached: set[str] = set()
    for node in reversed(graph.nodes):
        if (node.op in SUMS and node.name not in kept) or reached.intersection(node.outputs):
            reached.update(node.inputs)
    return reached


def _has_form(graph: Graph, node: Node) -> bool:
    if node.op not in FORMS or graph.tensors[node.outputs[0]].dtype != np.float32:
        return False
    if node.op == "float_softmax":
        return node.attrs["log"] == 0
    if node.op == "float_reduce":
        return node.attrs["kind"] in (FloatReduce.MEAN, FloatReduce.SUM)
    if node.op == "float_binary":
        one_number = any(_size(graph, name) == 1 for name in node.inputs)
        return one_number or node.attrs["kind"] not in (FloatBinary.DIV, FloatBinary.POW)
    return True


def _is_arithmetic(graph: Graph, node: Node) -> bool:
    if node.op == "float_binary":
        return any(_size(graph, name) > 0 for name in node.inputs)
    return node.op == "float_softmax" or (node.op == "float_unary" and node.attrs["kind"] not in _SIMPLE_UNARY)


def _size(graph: Graph, name: str) -> int:
    """The number of values of a constant; 0 for anything else."""
    data = graph.tensors[name].data
    return 0 if data is None else data.size

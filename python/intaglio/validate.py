"""Whether a graph is well formed: names, edges, order, tensors; then each node by the rules of its op."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from intaglio.errors import DTypeError, GraphError, QuantizationError, ShapeError, UnsupportedOpError
from intaglio.graph import Graph, Port, Tensor
from intaglio.opset import BY_NAME
from intaglio.rules import NodeView, check_node

MAX_RANK: Final = 8
MAX_DIM: Final = 2**31 - 1
MAX_BYTES: Final = 2**40
_DTYPES: Final = tuple(np.dtype(t) for t in (np.int8, np.int32, np.int64, np.float32))


def validate(graph: Graph) -> None:
    """Raise a typed error at the first rule broken."""
    for name, tensor in graph.tensors.items():
        if name != tensor.name:
            raise GraphError(f"tensor '{tensor.name}': name: expected the key '{name}', got '{tensor.name}'")
        check_tensor(tensor)
    for kind, ports in (("input", graph.inputs), ("output", graph.outputs)):
        seen: set[str] = set()
        for port in ports:
            _check_port(graph, kind, port, seen)
    _check_edges(graph)
    for node in graph.nodes:
        check_node(NodeView.of(node, graph.tensors))


def check_tensor(tensor: Tensor) -> None:
    """The rules of one tensor."""

    def want(holds: bool, error: type[Exception], what: str, expected: object, got: object) -> None:
        if not holds:
            raise error(f"tensor '{tensor.name}': {what}: expected {expected}, got {got}")

    want(bool(tensor.name), GraphError, "name", "not empty", "an empty name")
    want(tensor.dtype in _DTYPES, DTypeError, "dtype", "int8, int32, int64 or float32", tensor.dtype)
    want(len(tensor.shape) <= MAX_RANK, ShapeError, "rank", f"at most {MAX_RANK}", len(tensor.shape))
    sized = all(isinstance(n, int) and 0 <= n <= MAX_DIM for n in tensor.shape)
    want(sized, ShapeError, "shape", f"sizes from 0 to {MAX_DIM}", tensor.shape)
    # Products that pass through zero must not hide a size that no CPU could count.
    extent = math.prod(max(n, 1) for n in tensor.shape) * tensor.dtype.itemsize
    want(extent < MAX_BYTES, ShapeError, "size", "less than 2^40 bytes", extent)
    if tensor.scale is not None:
        want(tensor.dtype == np.int8, DTypeError, "dtype of a quantized tensor", "int8", tensor.dtype)
        normal = bool(np.isfinite(tensor.scale)) and tensor.scale >= np.finfo(np.float32).tiny
        want(normal, QuantizationError, "scale", "a positive, finite, normal float32", tensor.scale)
        in_range = -128 <= tensor.zero_point <= 127
        want(in_range, QuantizationError, "zero point", "-128 to 127", tensor.zero_point)
    else:
        want(tensor.zero_point == 0, QuantizationError, "zero point without scale", 0, tensor.zero_point)
    data = tensor.data
    if data is not None:
        want(data.dtype == tensor.dtype, DTypeError, "dtype of data", tensor.dtype, data.dtype)
        want(data.shape == tensor.shape, ShapeError, "shape of data", tensor.shape, data.shape)
        want(data.flags.c_contiguous, GraphError, "data", "C-contiguous", f"strides {data.strides}")


def _check_port(graph: Graph, kind: str, port: Port, seen: set[str]) -> None:
    if port.tensor not in graph.tensors:
        raise GraphError(f"{kind} '{port.tensor}': expected a tensor of the graph, got an unknown name")
    if port.tensor in seen:
        raise GraphError(f"{kind} '{port.tensor}': expected each {kind} once, got it twice")
    seen.add(port.tensor)
    tensor = graph.tensors[port.tensor]
    seen_as = (tensor.dtype, np.dtype(np.uint8)) if tensor.scale is not None else (tensor.dtype,)
    if port.dtype not in seen_as:
        expected = " or ".join(str(d) for d in seen_as)
        raise DTypeError(f"{kind} '{port.tensor}': dtype: expected {expected}, got {port.dtype}")
    if kind == "input" and tensor.constant is not None:
        raise GraphError(f"input '{port.tensor}': expected a tensor without data, got a constant")


def _check_edges(graph: Graph) -> None:
    """Every tensor has one origin, and every node comes after what it reads."""
    ready = {port.tensor for port in graph.inputs}
    ready |= {name for name, tensor in graph.tensors.items() if tensor.constant is not None}
    names: set[str] = set()
    for node in graph.nodes:
        where = f"node '{node.name}' ({node.op})"
        if node.op not in BY_NAME:
            raise UnsupportedOpError(f"{where}: op: expected one of {', '.join(BY_NAME)}, got '{node.op}'")
        if not node.name or node.name in names:
            raise GraphError(f"{where}: name: expected unique and not empty, got '{node.name}'")
        names.add(node.name)
        for name in node.inputs:
            if name not in graph.tensors:
                raise GraphError(f"{where}: input: expected a tensor of the graph, got the unknown name '{name}'")
            if name not in ready:
                raise GraphError(f"{where}: input '{name}': expected an earlier node to make it, got none")
        count = len(BY_NAME[node.op].outputs)
        if len(node.outputs) != count or any(name not in graph.tensors for name in node.outputs):
            expected = "one tensor" if count == 1 else f"{count} tensors"
            raise GraphError(f"{where}: outputs: expected {expected} of the graph, got {list(node.outputs)}")
        for name in node.outputs:
            if name in ready:
                raise GraphError(f"{where}: output '{name}': expected no other origin, got a second one")
            ready.add(name)
    orphans = [name for name in graph.tensors if name not in ready]
    if orphans:
        raise GraphError(f"tensor '{orphans[0]}': expected a constant, an input or the output of a node, got none")

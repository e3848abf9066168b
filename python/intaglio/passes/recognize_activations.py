"""Functions that exporters write out as arithmetic become the one op that computes them.

What a few elementwise ops make of one tensor and some numbers is a function of one variable. Where it has the values of
a known function, it is that function, in whatever way it was written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.graph import Graph, Node, Tensor
from intaglio.opset import FloatBinary, FloatUnary
from intaglio.passes.uses import Uses, unused

_Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]
#: The most ops that one function is written as.
_LONGEST: Final = 12
_SAMPLES: Final = np.linspace(-9.0, 9.0, 289)
#: Constants of float32 networks have 24 bits; the functions told apart differ by far more.
_TOLERANCE: Final = 1e-5


def _erf(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([math.erf(v) for v in x])


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def _gelu_tanh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


_KNOWN: Final[dict[FloatUnary, NDArray[np.float64]]] = {
    FloatUnary.SILU: _SAMPLES * _sigmoid(_SAMPLES),
    FloatUnary.HARD_SWISH: _SAMPLES * np.clip(_SAMPLES / 6 + 0.5, 0, 1),
    FloatUnary.GELU: 0.5 * _SAMPLES * (1 + _erf(_SAMPLES / math.sqrt(2))),
    FloatUnary.GELU_TANH: _gelu_tanh(_SAMPLES),
}
_UNARY: Final[dict[int, _Function]] = {
    FloatUnary.SIGMOID: _sigmoid,
    FloatUnary.TANH: np.tanh,
    FloatUnary.ERF: _erf,
}
_BINARY: Final[dict[int, Callable[..., Any]]] = {
    FloatBinary.ADD: np.add,
    FloatBinary.SUB: np.subtract,
    FloatBinary.MUL: np.multiply,
    FloatBinary.DIV: np.divide,
    FloatBinary.MAXIMUM: np.maximum,
    FloatBinary.MINIMUM: np.minimum,
    FloatBinary.POW: np.power,
}


def recognize_activations(graph: Graph) -> Graph:
    """Silu, hard swish and both forms of gelu. What the ops made on the way is left for others to read."""
    uses, tensors = Uses(graph), dict(graph.tensors)
    position = {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}

    def rewritten(node: Node) -> Node:
        found = _found(node, graph, uses, position) if _ends_function(node) else None
        if found is None:
            return node
        x, kind = found
        name = unused(tensors, f"{node.name}/parameters")
        tensors[name] = Tensor(name, (0,), np.dtype(np.float32), constant=np.zeros(0, np.float32))
        return replace(node, op="float_unary", inputs=(x, name), attrs={"kind": int(kind)})

    return replace(graph, tensors=tensors, nodes=tuple(rewritten(node) for node in graph.nodes))


def _ends_function(node: Node) -> bool:
    return node.op == "float_binary" and node.attrs["kind"] in (FloatBinary.MUL, FloatBinary.DIV)


def _found(node: Node, graph: Graph, uses: Uses, position: dict[str, int]) -> tuple[str, FloatUnary] | None:
    """The tensor and the function of it that a node gives: its inputs are followed back, the latest first."""
    body, front = [node], _computed(node, graph.tensors)
    while len(body) <= _LONGEST:
        if len(front) == 1:
            (x,) = front
            values = _values(body, x, graph.tensors)
            for kind, known in _KNOWN.items():
                same_shape = graph.tensors[x].shape == graph.tensors[node.outputs[0]].shape
                if values is not None and same_shape and np.allclose(values, known, 0, _TOLERANCE):
                    return x, kind
        latest = max(front, key=lambda name: position.get(name, -1), default="")
        before = uses.producer.get(latest)
        if before is None or latest in uses.outputs or not _is_arithmetic(before):
            return None
        front = (front - {latest}) | _computed(before, graph.tensors)
        body.append(before)
    return None


def _computed(node: Node, tensors: dict[str, Tensor]) -> set[str]:
    return {name for name in node.inputs if tensors[name].constant is None}


def _is_arithmetic(node: Node) -> bool:
    if node.op == "float_binary":
        return node.attrs["kind"] in _BINARY
    return node.op == "float_unary" and node.attrs["kind"] in (*_UNARY, FloatUnary.CLIP, FloatUnary.HARD_SIGMOID)


def _values(body: list[Node], x: str, tensors: dict[str, Tensor]) -> NDArray[np.float64] | None:
    """What the ops, the last one first, make of samples of x; None if a constant is no single number."""
    values = {x: _SAMPLES}
    for node in reversed(body):
        operands = []
        for name in node.inputs[: 2 if node.op == "float_binary" else 1]:
            data = tensors[name].data
            if data is not None and data.size != 1:
                return None
            operands.append(values[name] if data is None else data.reshape(()).astype(np.float64))
        with np.errstate(all="ignore"):
            values[node.outputs[0]] = np.broadcast_to(_applied(node, operands, tensors), _SAMPLES.shape)
    return values[body[0].outputs[0]]


def _applied(node: Node, operands: list[NDArray[np.float64]], tensors: dict[str, Tensor]) -> NDArray[np.float64]:
    kind = node.attrs["kind"]
    assert isinstance(kind, int)
    if node.op == "float_binary":
        return np.asarray(_BINARY[kind](*operands))
    if kind in _UNARY:
        return _UNARY[kind](operands[0])
    parameters = tensors[node.inputs[1]].data
    assert parameters is not None
    if kind == FloatUnary.CLIP:
        return np.asarray(np.clip(operands[0], *parameters))
    return np.asarray(np.clip(operands[0] * parameters[0] + parameters[1], 0, 1))

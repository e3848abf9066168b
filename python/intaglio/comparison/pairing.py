"""Which tensors of two networks are to be the same, and the quantized network cut apart at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import ShapeError
from intaglio.graph import Graph, Node, Port, Tensor
from intaglio.passes.uses import Uses

#: What a quantized tensor is called after its float one, where a port has that name.
_STORED: Final = "/int8"
#: What a tensor is called that takes the float network's values in place of computed ones.
_GIVEN: Final = "/given"


@dataclass(frozen=True, eq=False)
class Pair:
    """A tensor of the quantized network, the float one that it stands for, and the node that makes it."""

    right: str
    tensor: Tensor
    #: None for an input.
    node: Node | None
    #: What equalization divided the channels by.
    divisor: NDArray[np.float32]

    @property
    def clip(self) -> tuple[float, float] | None:
        """The numbers at the ends of the tensor's grid, where it has one."""
        if self.tensor.scale is None:
            return None
        scale, zero_point = float(self.tensor.scale), self.tensor.zero_point
        return scale * (-128 - zero_point), scale * (127 - zero_point)


def pair_tensors(right: Graph, quantized: Graph) -> list[Pair]:
    """Tensors of the same name and shape, in the order in which the quantized network makes them.

    Float inputs are no pairs, nor is what is quantized already and only becomes floats: there is nothing to compare.
    """
    makers = Uses(quantized).producer
    inputs = [port.tensor for port in quantized.inputs if quantized.tensors[port.tensor].scale is not None]
    factors = quantized.metadata.get("quantization", {}).get("equalization", {})
    pairs: list[Pair] = []
    for name in (*inputs, *makers):
        tensor, node = quantized.tensors[name], makers.get(name)
        wanted = right.tensors.get(name.removesuffix(_STORED))
        if wanted is None or wanted.shape != tensor.shape or not (_is_real(wanted) and _is_real(tensor)):
            continue
        if node is None or node.op != "dequantize":
            divisor = np.asarray(factors.get(wanted.name, 1), np.float32)
            pairs.append(Pair(wanted.name, tensor, node, divisor))
    return pairs


def pair_ports(what: str, right: Graph, quantized: Graph) -> dict[str, str]:
    """Inputs or outputs of the quantized network by those of the float one: of the same name, else in order."""
    ports, others = (right.inputs, quantized.inputs) if what == "input" else (right.outputs, quantized.outputs)
    if len(ports) != len(others):
        raise ShapeError(f"{what}s: expected {len(ports)} as the float network has, got {len(others)}")
    names, own = [port.tensor for port in ports], [port.tensor for port in others]
    pairs = dict(zip(names, names if set(names) == set(own) else own, strict=True))
    for name, other in pairs.items():
        shape, got = right.tensors[name].shape, quantized.tensors[other].shape
        if shape != got:
            raise ShapeError(f"{what} '{other}': expected shape {shape} as the float network has, got {got}")
    return pairs


def cut_apart(quantized: Graph, pairs: list[Pair]) -> tuple[Graph, dict[str, Pair]]:
    """The network in which every paired tensor that is read is an input of its own, and those inputs' pairs."""
    made = {pair.tensor.name: pair for pair in pairs if pair.node is not None}
    read = {name for node in quantized.nodes for name in node.inputs}
    given = {name: f"{name}{_GIVEN}" for name in made if name in read}
    nodes = tuple(replace(node, inputs=tuple(given.get(n, n) for n in node.inputs)) for node in quantized.nodes)
    tensors = quantized.tensors | {n: replace(quantized.tensors[name], name=n) for name, n in given.items()}
    inputs = tuple(Port(name, tensors[name].dtype) for name in given.values())
    graph = replace(quantized, tensors=tensors, nodes=nodes, inputs=(*quantized.inputs, *inputs))
    return graph, {other: made[name] for name, other in given.items()}


def _is_real(tensor: Tensor) -> bool:
    """Whether a tensor is computed and stands for real numbers."""
    return tensor.constant is None and (tensor.dtype == np.float32 or tensor.scale is not None)


def as_given(pair: Pair, values: NDArray[Any]) -> NDArray[Any]:
    """The float network's values as the quantized network has them."""
    return np.asarray(values / pair.divisor, np.float32)

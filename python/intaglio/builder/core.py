"""The parts of a graph being built: tensors, constants, ports and nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from intaglio.errors import DTypeError, GraphError, UnsupportedOpError
from intaglio.graph import AttrValue, Graph, Node, Port, Tensor
from intaglio.opset import BY_NAME, Requant
from intaglio.quantization import Requantization, real_to_int8
from intaglio.rules import NodeView, check_node
from intaglio.validate import check_tensor

RequantName = Literal["float32", "fixed"]
#: A fused activation by name, or its bounds as int8 values of the output.
Activation = str | tuple[int, int] | None

_MODES = {"float32": Requant.FLOAT32, "fixed": Requant.FIXED}
#: Real bounds of the activations a clamp computes; None is unbounded.
_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
    "relu_n1_to_1": (-1.0, 1.0),
}


class GraphAssembler:
    """Collects tensors and nodes; every node is checked as it is added. Tensors are handed around by name."""

    def __init__(self, requant: RequantName = "float32", metadata: dict[str, Any] | None = None) -> None:
        if requant not in _MODES:
            raise GraphError(f"requant: expected one of {', '.join(_MODES)}, got {requant!r}")
        self.requant = _MODES[requant]
        self.metadata = dict(metadata or {})
        self._tensors: dict[str, Tensor] = {}
        self._nodes: list[Node] = []
        self._node_names: set[str] = set()
        self._inputs: list[Port] = []
        self._outputs: list[Port] = []
        self._numbers: dict[str, int] = {}

    def input(
        self,
        name: str,
        shape: Sequence[int],
        scale: float | None = None,
        zero_point: int = 0,
        dtype: DTypeLike = "int8",
    ) -> str:
        """Add an input. A uint8 input gives its zero point in uint8 terms and is stored as int8, shifted by 128."""
        seen = np.dtype(dtype)
        stored, shift = (np.dtype(np.int8), 128) if seen == np.uint8 else (seen, 0)
        self._add_tensor(Tensor(name, _shape(shape), stored, _scale(scale), int(zero_point) - shift))
        self._inputs.append(Port(name, seen))
        return name

    def output(self, tensor: str, dtype: DTypeLike | None = None) -> None:
        """Declare a tensor to be an output, seen as ``dtype`` (uint8 for an int8 tensor shifts by 128)."""
        self._outputs.append(Port(tensor, self.tensor(tensor).dtype if dtype is None else np.dtype(dtype)))

    def constant(
        self, values: ArrayLike, scale: float | None = None, zero_point: int = 0, *, name: str | None = None
    ) -> str:
        """Add a constant; with a scale it is quantized data, without it raw values. uint8 data is shifted to int8."""
        data = np.array(values, order="C")
        if data.dtype == np.uint8:
            data, zero_point = (data ^ 0x80).view(np.int8), zero_point - 128
        name = name or self._fresh("constant")
        self._add_tensor(Tensor(name, data.shape, data.dtype, _scale(scale), int(zero_point), data))
        return name

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name."""
        if name not in self._tensors:
            raise GraphError(f"tensor '{name}': expected a tensor of this builder, got an unknown name")
        return self._tensors[name]

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        attrs: dict[str, AttrValue] | None = None,
        *,
        shape: Sequence[int],
        dtype: DTypeLike = "int8",
        scale: float | None = None,
        zero_point: int = 0,
        name: str | None = None,
        output: str | None = None,
    ) -> str:
        """Add a node and its output tensor; returns the tensor's name, which is the node's unless given."""
        name = name or self._fresh(op)
        result = Tensor(output or name, _shape(shape), np.dtype(dtype), _scale(scale), int(zero_point))
        self._add_node(op, name, inputs, (result,), attrs)
        return result.name

    def build(self) -> Graph:
        """The graph, validated."""
        graph = Graph(
            dict(self._tensors), tuple(self._nodes), tuple(self._inputs), tuple(self._outputs), dict(self.metadata)
        )
        graph.validate()
        return graph

    def _add_node(
        self,
        op: str,
        name: str,
        inputs: Sequence[str],
        results: Sequence[Tensor],
        attrs: dict[str, AttrValue] | None = None,
    ) -> None:
        """Add a node and the tensors it makes."""
        if op not in BY_NAME:
            raise UnsupportedOpError(f"node '{name}': op: expected one of {', '.join(BY_NAME)}, got '{op}'")
        outputs = tuple(result.name for result in results)
        node = Node(op, name, tuple(inputs), outputs, {k: _attr(v) for k, v in (attrs or {}).items()})
        sources = tuple(self.tensor(n) for n in node.inputs)
        if name in self._node_names:
            raise GraphError(f"node '{name}' ({op}): name: expected unique, got it twice")
        check_node(NodeView(node, BY_NAME[op], sources, tuple(results)))
        for result in results:
            self._add_tensor(result)
        self._nodes.append(node)
        self._node_names.add(name)

    def _add_tensor(self, tensor: Tensor) -> None:
        if tensor.name in self._tensors:
            raise GraphError(f"tensor '{tensor.name}': name: expected unique, got it twice")
        check_tensor(tensor)
        self._tensors[tensor.name] = tensor

    def _fresh(self, stem: str) -> str:
        """A name no tensor or node has."""
        while True:
            number = self._numbers[stem] = self._numbers.get(stem, -1) + 1
            name = f"{stem}_{number}"
            if name not in self._tensors and name not in self._node_names:
                return name

    def _like(self, name: str) -> dict[str, Any]:
        """Element type and quantization of a tensor, for a node whose output shares them."""
        tensor = self.tensor(name)
        return {"dtype": tensor.dtype, "scale": tensor.scale, "zero_point": tensor.zero_point}

    def _activation_scale(self, name: str) -> np.float32:
        """The scale of a tensor that has to be quantized."""
        scale = self.tensor(name).scale
        if scale is None:
            raise DTypeError(f"tensor '{name}': expected int8 with scale and zero point, got {self.tensor(name).dtype}")
        return scale

    def _part(self, node: str, part: str, values: ArrayLike) -> str:
        """A constant named after the node that reads it."""
        name = f"{node}/{part}"
        return self.constant(values, name=self._fresh(name) if name in self._tensors else name)

    def _requantization_inputs(self, node: str, parameters: Requantization) -> tuple[str, str]:
        return self._part(node, "scale", parameters.scale), self._part(node, "shift", parameters.shift)


def clamp_bounds(activation: Activation, scale: float, zero_point: int) -> tuple[int, int]:
    """The int8 interval that computes an activation on a tensor of this scale and zero point."""
    if activation is None:
        return -128, 127
    if not isinstance(activation, str):
        low, high = activation
        return int(low), int(high)
    if activation not in _BOUNDS:
        raise UnsupportedOpError(f"activation: expected one of {', '.join(_BOUNDS)} or (low, high), got '{activation}'")
    low_real, high_real = _BOUNDS[activation]
    return (
        -128 if low_real is None else real_to_int8(low_real, scale, zero_point),
        127 if high_real is None else real_to_int8(high_real, scale, zero_point),
    )


def int32_bias(bias: ArrayLike | None, channels: int) -> NDArray[np.int32]:
    """A bias as int32; zeros for None."""
    if bias is None:
        return np.zeros(channels, np.int32)
    array = np.asarray(bias)
    if not np.issubdtype(array.dtype, np.integer):
        raise DTypeError(f"bias: expected integers, got {array.dtype}")
    if array.size and (array.min() < -(2**31) or array.max() >= 2**31):
        raise DTypeError("bias: expected values that fit int32, got larger ones")
    return array.astype(np.int32)


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)


def _scale(scale: float | None) -> np.float32 | None:
    return None if scale is None else np.float32(scale)


def _attr(value: AttrValue | Sequence[int]) -> AttrValue:
    return tuple(int(v) for v in value) if isinstance(value, Sequence | np.ndarray) else int(value)

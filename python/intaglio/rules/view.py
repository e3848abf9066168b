"""A node together with its tensors, as rules and oracle see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import DTypeError, Error, GraphError, QuantizationError, ShapeError
from intaglio.graph import Node, Tensor
from intaglio.opset import BY_NAME, Op, Requant

INT8 = np.dtype(np.int8)
INT32 = np.dtype(np.int32)
INT64 = np.dtype(np.int64)
FLOAT32 = np.dtype(np.float32)


def listed(values: Iterable[object]) -> str:
    """``[1, 2, 3]``, the way messages show shapes."""
    return "[" + ", ".join(str(v) for v in values) + "]"


@dataclass(frozen=True, eq=False)
class NodeView:
    """A node with its op and tensors resolved; every failed check names the node."""

    node: Node
    op: Op
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @classmethod
    def of(cls, node: Node, tensors: dict[str, Tensor]) -> NodeView:
        """Resolve a node's names; they must exist."""
        inputs, outputs = (tuple(tensors[n] for n in names) for names in (node.inputs, node.outputs))
        return cls(node, BY_NAME[node.op], inputs, outputs)

    @property
    def output(self) -> Tensor:
        """The output, or the first of several."""
        return self.outputs[0]

    def __getitem__(self, name: str) -> Tensor:
        """The input that the op set calls ``name``."""
        return self.inputs[self.op.inputs.index(name)]

    def data(self, name: str) -> NDArray[Any]:
        """The values of an input that has to be a constant."""
        tensor = self[name]
        data = tensor.data
        if data is None:
            self.fail(GraphError, f"input '{name}'", "a constant", f"the computed tensor '{tensor.name}'")
        return data

    def number(self, name: str) -> int:
        """An attribute that is one integer."""
        value = self.node.attrs[name]
        if not isinstance(value, int):
            self.fail(GraphError, f"attribute '{name}'", "an integer", value)
        return value

    def numbers(self, name: str) -> tuple[int, ...]:
        """An attribute that is a list of integers."""
        value = self.node.attrs[name]
        if not isinstance(value, tuple):
            self.fail(GraphError, f"attribute '{name}'", "a tuple of integers", value)
        return value

    def scale(self, tensor: Tensor) -> np.float32:
        """The scale of a tensor that has to be quantized."""
        if tensor.scale is None:
            self.fail(QuantizationError, f"quantization of '{tensor.name}'", "scale and zero point", "none")
        return tensor.scale

    @property
    def requant(self) -> Requant:
        """How accumulators become int8."""
        value = self.number("requant")
        if value not in tuple(Requant):
            self.fail(GraphError, "attribute 'requant'", "0 (float32) or 1 (fixed)", value)
        return Requant(value)

    def fail(self, error: type[Error], what: str, expected: object, got: object) -> NoReturn:
        """Raise ``error`` naming this node."""
        raise error(f"node '{self.node.name}' ({self.node.op}): {what}: expected {expected}, got {got}")

    def want(self, holds: bool, what: str, expected: object, got: object, error: type[Error] = GraphError) -> None:
        """Raise unless ``holds``."""
        if not holds:
            self.fail(error, what, expected, got)

    def want_rank(self, tensor: Tensor, rank: int) -> None:
        """The tensor has ``rank`` axes."""
        if len(tensor.shape) != rank:
            self.fail(ShapeError, f"rank of '{tensor.name}'", rank, listed(tensor.shape))

    def want_shape(self, tensor: Tensor, shape: Sequence[int]) -> None:
        """The tensor has exactly this shape."""
        if tuple(tensor.shape) != tuple(shape):
            self.fail(ShapeError, f"shape of '{tensor.name}'", listed(shape), listed(tensor.shape))

    def want_dtype(self, tensor: Tensor, *dtypes: np.dtype[Any]) -> None:
        """The tensor's element type is one of these."""
        if tensor.dtype not in dtypes:
            expected = " or ".join(str(d) for d in dtypes)
            self.fail(DTypeError, f"dtype of '{tensor.name}'", expected, tensor.dtype)

    def want_quantized(self, *tensors: Tensor) -> None:
        """The tensors are int8 with scale and zero point."""
        for tensor in tensors:
            self.want_dtype(tensor, INT8)
            self.scale(tensor)

    def want_like(self, tensor: Tensor, other: Tensor) -> None:
        """The tensor has the element type, scale and zero point of the other."""
        self.want_dtype(tensor, other.dtype)
        if (tensor.scale, tensor.zero_point) != (other.scale, other.zero_point):
            expected = f"that of '{other.name}' ({other.scale}, {other.zero_point})"
            got = f"({tensor.scale}, {tensor.zero_point})"
            self.fail(QuantizationError, f"quantization of '{tensor.name}'", expected, got)

    def want_constant(self, name: str, dtype: np.dtype[Any], shape: Sequence[int]) -> NDArray[Any]:
        """The input ``name`` is a constant of this element type and shape; returns its values."""
        self.want_dtype(self[name], dtype)
        self.want_shape(self[name], shape)
        return self.data(name)

    def want_between(self, name: str, values: Iterable[int], low: int, high: int) -> None:
        """Every value of an attribute lies in [low, high]."""
        for value in values:
            self.want(low <= value <= high, f"attribute '{name}'", f"{low} to {high}", value)

    def want_axis(self, axis: int, rank: int) -> None:
        """The attribute ``axis`` counts an axis from the front."""
        self.want(0 <= axis < rank, "attribute 'axis'", f"0 to {rank - 1}", axis)

    def want_clamp(self) -> None:
        """The attribute ``clamp`` is an interval within int8."""
        low, high = self.numbers("clamp")
        self.want(-128 <= low <= high <= 127, "attribute 'clamp'", "-128 <= low <= high <= 127", (low, high))

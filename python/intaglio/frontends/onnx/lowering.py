"""What every lowering works with: the graph under construction, and the source's values as tensors in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import DTypeError, Error, ModelFormatError, UnsupportedOpError
from intaglio.frontends.onnx.model import Model
from intaglio.frontends.onnx.placement import Placement
from intaglio.frontends.onnx.values import (
    Value,
    only_ones_move,
    reshape_groups,
    stored_shape,
)
from intaglio.graph import AttrValue, Node, Tensor
from intaglio.grids import Constant, Dequantized, is_finite, numbers

INT8: Final = np.dtype(np.int8)
UINT8: Final = np.dtype(np.uint8)
INT32: Final = np.dtype(np.int32)
INT64: Final = np.dtype(np.int64)
FLOAT32: Final = np.dtype(np.float32)

#: Types of values that the source computes on integers; the graph holds them as float32 on a grid.
QUANTIZED: Final = (INT8, UINT8)


class Lowering(Placement):
    """The graph as it grows, operator by operator. Tensors of the graph are handed around by name."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._constants: dict[tuple[Value, tuple[int, ...]], str] = {}
        self._transposed: dict[tuple[str, tuple[int, ...]], str] = {}

    # Making nodes

    def emit(
        self,
        op: str,
        inputs: Sequence[str],
        shape: Sequence[int],
        *,
        dtype: np.dtype[Any] = FLOAT32,
        selects: bool = False,
        **attrs: AttrValue,
    ) -> str:
        """Adds a node; the name of the tensor it makes. ``selects``: its values are some of those of its inputs."""
        y = self.fresh(f"{self.base}/{op}")
        # Integers of DynamicQuantizeLinear and its kin carry their scale on the tensor, not on a grid.
        source = self.tensors[inputs[0]] if selects else Tensor("", (), dtype)
        self.add_tensor(Tensor(y, tuple(shape), dtype, source.scale, source.zero_point))
        self.nodes.append(Node(op, y, tuple(inputs), (y,), attrs))
        self.origin[y] = len(self.nodes) - 1
        if selects:
            self.inherit_grid(y, inputs)
        return y

    def result(self, tensor: str, shape: Sequence[int], order: Sequence[int], dtype: np.dtype[Any] = FLOAT32) -> Value:
        """A tensor as a value of the source."""
        return Value(tensor, tuple(shape), dtype, tensor=tensor, order=tuple(order))

    def number_list(self, name: str, values: Sequence[float] | NDArray[Any]) -> str:
        """A float32 constant named after the operator, such as bounds."""
        return self.array(name, np.array(values, np.float32))

    def array(self, name: str, data: NDArray[Any]) -> str:
        """A constant of the graph named after the operator."""
        return self._declare_constant(self.fresh(f"{self.base}/{name}"), data)

    # Values as tensors

    def stored(self, value: Value, order: Sequence[int]) -> str:
        """The tensor that holds a value with its axes in this order, moved there if need be."""
        order = tuple(order)
        if value.constant is not None:
            key = value, order
            if key not in self._constants:
                laid = value.transposed(order)
                assert laid.constant is not None
                name = value.name if value.name not in self.tensors else self.fresh(f"{value.name}/transposed")
                self._constants[key] = self._declare_constant(name, laid.constant)
            return self._constants[key]
        if order == value.order:
            return value.tensor
        permutation = tuple(value.order.index(axis) for axis in order)
        moved = value.tensor, permutation
        cached = self._transposed.get(moved)
        # Once it is rounded apart from its source, it is no longer the same value.
        if cached is None or (cached in self.grids) != (value.tensor in self.grids):
            shape = stored_shape(value.shape, order)
            attrs: dict[str, AttrValue] = {}
            if not only_ones_move(value.shape, value.order, order):
                attrs["permutation"] = permutation
            op = "transpose" if attrs else "reshape"
            dtype = self.tensors[value.tensor].dtype
            self._transposed[moved] = self.emit(op, [value.tensor], shape, dtype=dtype, selects=True, **attrs)
        return self._transposed[moved]

    def reshaped(self, value: Value, shape: Sequence[int]) -> Value:
        """A value in another shape; what lies together is left together."""
        shape = tuple(shape)
        if value.constant is not None:
            return value.reshaped_constant(shape)
        if shape == value.shape:
            return value
        groups = _by_position(value, reshape_groups(value.shape, shape))
        order = [axis for left, _ in groups for axis in left]
        x = value.tensor if only_ones_move(value.shape, value.order, order) else self.stored(value, order)
        after = [axis for _, right in groups for axis in right]
        dtype = self.tensors[x].dtype
        y = self.emit("reshape", [x], stored_shape(shape, after), dtype=dtype, selects=True)
        return self.result(y, shape, after, value.dtype)

    def broadcast_rank(self, value: Value, rank: int) -> Value:
        """A value with axes of size 1 in front, as broadcasting asks for."""
        return self.reshaped(value, (1,) * (rank - len(value.shape)) + value.shape)

    def floats(self, value: Value, what: str = "input") -> Value:
        """A value that has to be float32."""
        if value.dtype != FLOAT32:
            self.refuse(f"its {what} {value.name!r} is {value.dtype}; only float32 is supported", DTypeError)
        return value

    # Reading operators

    def integers(self, value: Value | None, what: str) -> list[int] | None:
        """A constant list of integers; None where it is left out."""
        if value is None:
            return None
        data = self.known(value, what)
        if data.dtype.kind not in "iu":
            self.malformed(f"its {what} has element type {data.dtype}, expected integers")
        return [int(v) for v in data.reshape(-1)]

    def known(self, value: Value, what: str) -> NDArray[Any]:
        """The value of an input that must be constant."""
        data = value.data
        if data is None:
            self.refuse(f"its {what} {value.name!r} is computed while the network runs; a constant is needed")
        return data

    def number(self, value: Value | None, what: str, default: float) -> float:
        """A constant number, or what it is when left out."""
        if value is None:
            return default
        data = self.known(value, what)
        if data.size != 1:
            self.malformed(f"its {what} has the shape {data.shape}, expected one number")
        return float(data.reshape(-1)[0])

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < rank:
            self.malformed(f"axis {axis} does not fit rank {rank}")
        return axis % rank

    def weights(self, value: Value, what: str = "weights") -> Value:
        """A constant whose numbers are all finite."""
        stored = self.floats(value, what).constant
        if stored is None or not is_finite(stored):
            bad = "NaN" if np.isnan(self.known(value, what)).any() else "infinite"
            raise ModelFormatError(
                f"{self.locate()}: its {what} {value.name!r}: expected finite numbers, got {bad} ones"
            )
        return value

    # Refusals

    def locate(self) -> str:
        node = self.node
        return f"{node.op} (node {node.name!r}, opset {self.model.opset})"

    def refuse(self, reason: str, error: type[Error] = UnsupportedOpError) -> NoReturn:
        raise error(f"{self.locate()} is not supported: {reason}")

    def malformed(self, reason: str) -> NoReturn:
        raise ModelFormatError(f"{self.locate()} is malformed: {reason}")

    def _declare_constant(self, name: str, constant: Constant) -> str:
        if constant.dtype not in (FLOAT32, INT32, INT64, INT8):
            self.refuse(f"its constant {name!r} is {constant.dtype}; export it as float32", DTypeError)
        if isinstance(constant, Dequantized):
            self.grids[name] = constant.grid
        else:
            constant = np.asarray(constant, order="C")
        if constant.dtype == FLOAT32 and not is_finite(constant) and np.isnan(numbers(constant)).any():
            raise ModelFormatError(f"{self.locate()}: constant {name!r}: expected numbers, got NaN")
        self.add_tensor(Tensor(name, constant.shape, constant.dtype, constant=constant))
        return name


def _by_position(value: Value, groups: list[tuple[list[int], list[int]]]) -> list[tuple[list[int], list[int]]]:
    """Groups of axes in the order in which they lie."""
    position = {axis: i for i, axis in enumerate(value.order)}
    ranked: list[tuple[float, tuple[list[int], list[int]]]] = []
    last = -1.0
    for group in groups:
        places = [position[axis] for axis in group[0] if value.shape[axis] != 1] or [position[a] for a in group[0]]
        last = min(places, default=last + 0.5)
        ranked.append((last, group))
    return [group for _, group in sorted(ranked, key=lambda pair: pair[0])]

"""Building float32 ops. Weights, biases, slopes and indices are arrays, or the names of tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from intaglio.builder.core import GraphAssembler
from intaglio.builder.movement import normal_axis
from intaglio.builder.sums import (
    PaddingLike,
    Pair,
    need_rank,
    pair,
    resolve_padding,
    resolve_transposed_padding,
    windows,
)
from intaglio.errors import ShapeError, UnsupportedOpError
from intaglio.graph import AttrValue
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary

#: A fused activation by name, or the bounds of the result.
FloatActivation = str | tuple[float, float] | None

_BOUNDS: dict[str, tuple[float, float]] = {
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "relu_n1_to_1": (-1.0, 1.0),
}


def float_bounds(activation: FloatActivation) -> NDArray[np.float32]:
    """(low, high) of an activation."""
    if activation is None:
        return np.array([-np.inf, np.inf], np.float32)
    if isinstance(activation, str):
        if activation not in _BOUNDS:
            expected = f"{', '.join(_BOUNDS)} or (low, high)"
            raise UnsupportedOpError(f"activation: expected one of {expected}, got '{activation}'")
        activation = _BOUNDS[activation]
    return np.array(activation, np.float32)


class Float32Mixin(GraphAssembler):
    """Float32 arithmetic."""

    def float_conv2d(
        self,
        x: str,
        weights: ArrayLike | str,
        bias: ArrayLike | str | None = None,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        dilation: Pair = 1,
        groups: int = 1,
        activation: FloatActivation = None,
        name: str | None = None,
    ) -> str:
        """Convolution; weights [O, kh, kw, I / groups]."""
        name = name or self._fresh("float_conv2d")
        weight = self._float_operand(name, "weight", weights)
        kernel = self._shape_of_rank("float_conv2d weights", weight, 4)
        shape = self._shape_of_rank("float_conv2d input", x, 4)
        pads = resolve_padding(padding, shape[1:3], kernel[1:3], stride, dilation)
        size = windows(shape[1:3], kernel[1:3], stride, pads, dilation)
        attrs: dict[str, AttrValue] = {"stride": pair(stride), "padding": pads, "dilation": pair(dilation)}
        attrs["groups"] = groups
        result = (shape[0], *size, kernel[0])
        return self._float_sum("float_conv2d", name, (x, weight), bias, result, attrs, activation)

    def float_depthwise_conv2d(
        self,
        x: str,
        weights: ArrayLike | str,
        bias: ArrayLike | str | None = None,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        dilation: Pair = 1,
        activation: FloatActivation = None,
        name: str | None = None,
    ) -> str:
        """Depthwise convolution; weights [kh, kw, C * multiplier]."""
        name = name or self._fresh("float_depthwise_conv2d")
        weight = self._float_operand(name, "weight", weights)
        kernel = self._shape_of_rank("float_depthwise_conv2d weights", weight, 3)
        shape = self._shape_of_rank("float_depthwise_conv2d input", x, 4)
        pads = resolve_padding(padding, shape[1:3], kernel[:2], stride, dilation)
        size = windows(shape[1:3], kernel[:2], stride, pads, dilation)
        attrs: dict[str, AttrValue] = {"stride": pair(stride), "padding": pads, "dilation": pair(dilation)}
        result = (shape[0], *size, kernel[2])
        return self._float_sum("float_depthwise_conv2d", name, (x, weight), bias, result, attrs, activation)

    def float_transposed_conv2d(
        self,
        x: str,
        weights: ArrayLike | str,
        bias: ArrayLike | str | None = None,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        output_size: Sequence[int] | None = None,
        activation: FloatActivation = None,
        name: str | None = None,
    ) -> str:
        """Transposed convolution; weights [O, kh, kw, I], padding as for `transposed_conv2d`."""
        name = name or self._fresh("float_transposed_conv2d")
        weight = self._float_operand(name, "weight", weights)
        kernel = self._shape_of_rank("float_transposed_conv2d weights", weight, 4)
        shape = self._shape_of_rank("float_transposed_conv2d input", x, 4)
        pads, size = resolve_transposed_padding(padding, shape[1:3], kernel[1:3], pair(stride), output_size)
        attrs: dict[str, AttrValue] = {"stride": pair(stride), "padding": pads}
        result = (shape[0], *size, kernel[0])
        return self._float_sum("float_transposed_conv2d", name, (x, weight), bias, result, attrs, activation)

    def float_matmul(
        self,
        a: str,
        b: ArrayLike | str,
        bias: ArrayLike | str | None = None,
        *,
        activation: FloatActivation = None,
        name: str | None = None,
    ) -> str:
        """a [..., M, K] times b [..., K, N]; leading axes broadcast."""
        name = name or self._fresh("float_matmul")
        factor = self._float_operand(name, "b", b)
        first, second = self.tensor(a).shape, self.tensor(factor).shape
        if min(len(first), len(second)) < 2:
            raise ShapeError(f"float_matmul: expected operands of rank 2 or more, got {first} and {second}")
        try:
            leading = np.broadcast_shapes(first[:-2], second[:-2])
        except ValueError:
            raise ShapeError(f"float_matmul: expected leading axes that broadcast, got {first}, {second}") from None
        result = (*leading, first[-2], second[-1])
        return self._float_sum("float_matmul", name, (a, factor), bias, result, {}, activation)

    def float_binary(self, kind: FloatBinary, a: str, b: str, *, name: str | None = None) -> str:
        """One of the functions of two operands that broadcast."""
        try:
            shape = np.broadcast_shapes(self.tensor(a).shape, self.tensor(b).shape)
        except ValueError:
            shapes = f"{self.tensor(a).shape} and {self.tensor(b).shape}"
            raise ShapeError(f"float_binary: expected shapes that broadcast, got {shapes}") from None
        return self.node("float_binary", (a, b), {"kind": kind}, shape=shape, dtype=np.float32, name=name)

    def float_unary(
        self, kind: FloatUnary, x: str, parameters: Sequence[float] = (), *, name: str | None = None
    ) -> str:
        """One of the functions of one operand, with the numbers it takes."""
        name = name or self._fresh(f"float_{kind.name.lower()}")
        inputs = (x, self._part(name, "parameters", np.array(parameters, np.float32)))
        shape = self.tensor(x).shape
        return self.node("float_unary", inputs, {"kind": kind}, shape=shape, dtype=np.float32, name=name)

    def float_prelu(self, x: str, slope: ArrayLike | str, *, name: str | None = None) -> str:
        """x where it is not negative, else x times a slope that broadcasts to x."""
        name = name or self._fresh("float_prelu")
        inputs = (x, self._float_operand(name, "slope", slope))
        return self.node("float_prelu", inputs, shape=self.tensor(x).shape, dtype=np.float32, name=name)

    def float_pool2d(
        self,
        kind: FloatPool,
        x: str,
        kernel: Pair,
        *,
        stride: Pair | None = None,
        padding: PaddingLike = "valid",
        name: str | None = None,
    ) -> str:
        """The largest value or the mean of each window; the stride is the kernel unless given."""
        shape = self._shape_of_rank("float_pool2d input", x, 4)
        stride = kernel if stride is None else stride
        pads = resolve_padding(padding, shape[1:3], kernel, stride, 1)
        attrs: dict[str, AttrValue] = {"kind": kind, "kernel": pair(kernel), "stride": pair(stride), "padding": pads}
        result = (shape[0], *windows(shape[1:3], kernel, stride, pads), shape[3])
        return self.node("float_pool2d", (x,), attrs, shape=result, dtype=np.float32, name=name)

    def float_reduce(
        self, kind: FloatReduce, x: str, axes: Sequence[int], *, keepdims: bool = False, name: str | None = None
    ) -> str:
        """The mean, sum, largest or smallest over axes."""
        shape = self.tensor(x).shape
        chosen = sorted({normal_axis("float_reduce", axis, len(shape)) for axis in axes})
        kept = [1 if i in chosen else n for i, n in enumerate(shape)]
        result = kept if keepdims else [n for i, n in enumerate(shape) if i not in chosen]
        attrs: dict[str, AttrValue] = {"kind": kind, "axes": tuple(chosen)}
        return self.node("float_reduce", (x,), attrs, shape=result, dtype=np.float32, name=name)

    def float_softmax(self, x: str, *, log: bool = False, name: str | None = None) -> str:
        """Softmax over the last axis, or its logarithm."""
        shape = self.tensor(x).shape
        return self.node("float_softmax", (x,), {"log": int(log)}, shape=shape, dtype=np.float32, name=name)

    def float_resize_bilinear(
        self,
        x: str,
        row: ArrayLike,
        row_weight: ArrayLike,
        column: ArrayLike,
        column_weight: ArrayLike,
        *,
        name: str | None = None,
    ) -> str:
        """Rows and columns of the result as (low, high) positions and the weight of high."""
        shape = self._shape_of_rank("float_resize_bilinear input", x, 4)
        name = name or self._fresh("float_resize_bilinear")
        rows, columns = np.asarray(row, np.int32), np.asarray(column, np.int32)
        parts = {"row": rows, "row_weight": np.asarray(row_weight, np.float32)}
        parts |= {"column": columns, "column_weight": np.asarray(column_weight, np.float32)}
        inputs = (x, *(self._part(name, part, values) for part, values in parts.items()))
        result = (shape[0], len(rows), len(columns), shape[3])
        return self.node("float_resize_bilinear", inputs, shape=result, dtype=np.float32, name=name)

    def _float_sum(
        self,
        op: str,
        name: str,
        factors: tuple[str, str],
        bias: ArrayLike | str | None,
        shape: tuple[int, ...],
        attrs: dict[str, AttrValue],
        activation: FloatActivation,
    ) -> str:
        addend = self._float_operand(name, "bias", np.zeros(shape[-1]) if bias is None else bias)
        bounds = self._part(name, "bounds", float_bounds(activation))
        return self.node(op, (*factors, addend, bounds), attrs, shape=shape, dtype=np.float32, name=name)

    def _float_operand(self, node: str, part: str, values: ArrayLike | str) -> str:
        """The tensor of that name, or a constant named after the node."""
        return values if isinstance(values, str) else self._part(node, part, np.asarray(values, np.float32))

    def _shape_of_rank(self, what: str, name: str, rank: int) -> tuple[int, ...]:
        need_rank(what, shape := self.tensor(name).shape, rank)
        return shape

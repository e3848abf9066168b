"""Building sums of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from intaglio.builder.core import Activation, GraphAssembler, clamp_bounds, int32_bias
from intaglio.errors import QuantizationError, ShapeError
from intaglio.geometry import Padding, same_padding, same_transposed_padding, transposed_size, window_count
from intaglio.graph import AttrValue
from intaglio.quantization import Requantization

PaddingLike = Literal["same", "valid"] | Sequence[int]
#: One number for both axes, or (height, width).
Pair = int | Sequence[int]


def pair(value: Pair) -> tuple[int, int]:
    """(height, width)."""
    if isinstance(value, Sequence | np.ndarray):
        height, width = value
        return int(height), int(width)
    return int(value), int(value)


def resolve_padding(padding: PaddingLike, size: Sequence[int], kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    """(top, left, bottom, right) over an input of ``size``."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        axes = zip(size, pair(kernel), pair(stride), pair(dilation), strict=True)
        (top, bottom), (left, right) = (same_padding(*axis) for axis in axes)
        return top, left, bottom, right
    if isinstance(padding, str) or len(padding) != 4:
        raise ShapeError(f"padding: expected 'same', 'valid' or (top, left, bottom, right), got {padding!r}")
    top, left, bottom, right = (int(p) for p in padding)
    return top, left, bottom, right


def resolve_transposed_padding(
    padding: PaddingLike,
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    output_size: Sequence[int] | None,
) -> tuple[Padding, list[int]]:
    """(top, left, bottom, right) over the output of a transposed convolution, and its height and width."""
    if padding == "same":
        wanted = output_size or [n * s for n, s in zip(size, strides, strict=True)]
        axes = zip(size, kernel, strides, wanted, strict=True)
        (top, bottom), (left, right) = (same_transposed_padding(*axis) for axis in axes)
        pads: Padding = (top, left, bottom, right)
    else:
        pads = resolve_padding(padding, size, kernel, strides, 1)
    axes = zip(size, kernel, strides, (pads[0] + pads[2], pads[1] + pads[3]), strict=True)
    made = [transposed_size(*axis) for axis in axes]
    if output_size is not None and list(output_size) != made:
        raise ShapeError(f"transposed_conv2d: output size: expected {made} by its padding, got {output_size}")
    return pads, made


def windows(size: Sequence[int], kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = 1) -> tuple[int, int]:
    """Output height and width of a sliding window."""
    pads = (padding[0] + padding[2], padding[1] + padding[3])
    axes = zip(size, pair(kernel), pair(stride), pads, pair(dilation), strict=True)
    height, width = (window_count(*axis) for axis in axes)
    return max(height, 0), max(width, 0)


def need_rank(what: str, shape: Sequence[int], rank: int) -> None:
    """Raise unless the shape has ``rank`` axes."""
    if len(shape) != rank:
        raise ShapeError(f"{what}: rank: expected {rank}, got {list(shape)}")


@dataclass(frozen=True, eq=False)
class _Output:
    """What every sum of products says about its result."""

    weight_scale: ArrayLike | None
    scale: float
    zero_point: int
    activation: Activation
    weight_zero_point: int
    requantization: Requantization | None
    name: str | None


class SumsMixin(GraphAssembler):
    """Convolutions, fully connected, batch matmul.

    Weights are int8 in the layouts of docs/arithmetic.md. Requantization follows from ``weight_scale`` (one number, or
    one per output channel), or is given as ``requantization``.
    """

    def conv2d(
        self,
        x: str,
        weights: ArrayLike,
        weight_scale: ArrayLike | None,
        bias: ArrayLike | None,
        out_scale: float,
        out_zero_point: int,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        dilation: Pair = 1,
        groups: int = 1,
        activation: Activation = None,
        weight_zero_point: int = 0,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """Convolution; weights [O, kh, kw, I / groups]."""
        w = np.asarray(weights)
        need_rank("conv2d input", shape := self.tensor(x).shape, 4)
        need_rank("conv2d weights", w.shape, 4)
        pads = resolve_padding(padding, shape[1:3], w.shape[1:3], stride, dilation)
        size = windows(shape[1:3], w.shape[1:3], stride, pads, dilation)
        return self._sum(
            "conv2d",
            x,
            w,
            bias,
            (shape[0], *size, w.shape[0]),
            {"stride": pair(stride), "padding": pads, "dilation": pair(dilation), "groups": groups},
            _Output(weight_scale, out_scale, out_zero_point, activation, weight_zero_point, requantization, name),
        )

    def depthwise_conv2d(
        self,
        x: str,
        weights: ArrayLike,
        weight_scale: ArrayLike | None,
        bias: ArrayLike | None,
        out_scale: float,
        out_zero_point: int,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        dilation: Pair = 1,
        activation: Activation = None,
        weight_zero_point: int = 0,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """Depthwise convolution; weights [kh, kw, C * multiplier]."""
        w = np.asarray(weights)
        need_rank("depthwise_conv2d input", shape := self.tensor(x).shape, 4)
        need_rank("depthwise_conv2d weights", w.shape, 3)
        pads = resolve_padding(padding, shape[1:3], w.shape[:2], stride, dilation)
        size = windows(shape[1:3], w.shape[:2], stride, pads, dilation)
        return self._sum(
            "depthwise_conv2d",
            x,
            w,
            bias,
            (shape[0], *size, w.shape[2]),
            {"stride": pair(stride), "padding": pads, "dilation": pair(dilation)},
            _Output(weight_scale, out_scale, out_zero_point, activation, weight_zero_point, requantization, name),
        )

    def transposed_conv2d(
        self,
        x: str,
        weights: ArrayLike,
        weight_scale: ArrayLike | None,
        bias: ArrayLike | None,
        out_scale: float,
        out_zero_point: int,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        output_size: Sequence[int] | None = None,
        activation: Activation = None,
        weight_zero_point: int = 0,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """Transposed convolution; weights [O, kh, kw, I].

        Padding "same" gives ``output_size``, by default the input size times the stride.
        """
        w = np.asarray(weights)
        need_rank("transposed_conv2d input", shape := self.tensor(x).shape, 4)
        need_rank("transposed_conv2d weights", w.shape, 4)
        strides = pair(stride)
        pads, size = resolve_transposed_padding(padding, shape[1:3], w.shape[1:3], strides, output_size)
        return self._sum(
            "transposed_conv2d",
            x,
            w,
            bias,
            (shape[0], *size, w.shape[0]),
            {"stride": strides, "padding": pads},
            _Output(weight_scale, out_scale, out_zero_point, activation, weight_zero_point, requantization, name),
        )

    def fully_connected(
        self,
        x: str,
        weights: ArrayLike,
        weight_scale: ArrayLike | None,
        bias: ArrayLike | None,
        out_scale: float,
        out_zero_point: int,
        *,
        activation: Activation = None,
        weight_zero_point: int = 0,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """x [..., K] times the transposed weights [O, K]."""
        w = np.asarray(weights)
        need_rank("fully_connected weights", w.shape, 2)
        shape = (*self.tensor(x).shape[:-1], w.shape[0])
        output = _Output(weight_scale, out_scale, out_zero_point, activation, weight_zero_point, requantization, name)
        return self._sum("fully_connected", x, w, bias, shape, {}, output)

    def batch_matmul(
        self,
        a: str,
        b: str,
        out_scale: float,
        out_zero_point: int,
        *,
        adjoint_a: bool = False,
        adjoint_b: bool = False,
        activation: Activation = None,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """a [..., M, K] times b [..., K, N]; an adjoint operand is transposed first."""
        a = self._swap_last_axes(a) if adjoint_a else a
        b = self._swap_last_axes(b) if adjoint_b else b
        shape_a, shape_b = self.tensor(a).shape, self.tensor(b).shape
        if min(len(shape_a), len(shape_b)) < 2:
            raise ShapeError(f"batch_matmul: expected operands of rank 2 or more, got {shape_a} and {shape_b}")
        scales = (self._activation_scale(a), self._activation_scale(b), out_scale)
        parameters = requantization or Requantization.of_product(self.requant, *scales)
        try:
            leading = np.broadcast_shapes(shape_a[:-2], shape_b[:-2])
        except ValueError:
            raise ShapeError(f"batch_matmul: expected leading axes that broadcast, got {shape_a}, {shape_b}") from None
        name = name or self._fresh("batch_matmul")
        return self.node(
            "batch_matmul",
            (a, b, *self._requantization_inputs(name, parameters)),
            {"requant": parameters.mode, "clamp": clamp_bounds(activation, out_scale, out_zero_point)},
            shape=(*leading, shape_a[-2], shape_b[-1]),
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

    def _swap_last_axes(self, x: str) -> str:
        shape = self.tensor(x).shape
        if len(shape) < 2:
            raise ShapeError(f"tensor '{x}': rank: expected at least 2, got {list(shape)}")
        rank = len(shape)
        return self.node(
            "transpose",
            (x,),
            {"permutation": (*range(rank - 2), rank - 1, rank - 2)},
            shape=(*shape[:-2], shape[-1], shape[-2]),
            **self._like(x),
        )

    def _sum(
        self,
        op: str,
        x: str,
        weights: NDArray[Any],
        bias: ArrayLike | None,
        shape: tuple[int, ...],
        geometry: dict[str, AttrValue],
        output: _Output,
    ) -> str:
        parameters = output.requantization or self._from_weight_scale(op, x, shape[-1], output)
        name = output.name or self._fresh(op)
        inputs = (self._part(name, "weight", weights), self._part(name, "bias", int32_bias(bias, shape[-1])))
        common: dict[str, AttrValue] = {
            "requant": parameters.mode,
            "clamp": clamp_bounds(output.activation, output.scale, output.zero_point),
            "weight_zero_point": output.weight_zero_point,
        }
        return self.node(
            op,
            (x, *inputs, *self._requantization_inputs(name, parameters)),
            geometry | common,
            shape=shape,
            scale=output.scale,
            zero_point=output.zero_point,
            name=name,
        )

    def _from_weight_scale(self, op: str, x: str, channels: int, output: _Output) -> Requantization:
        if output.weight_scale is None:
            raise QuantizationError(f"{op}: expected weight_scale or requantization, got neither")
        scale = np.asarray(output.weight_scale, np.float32)
        if scale.shape not in ((), (1,), (channels,)):
            raise QuantizationError(f"{op}: weight_scale: expected 1 or {channels} values, got {list(scale.shape)}")
        per_channel = np.broadcast_to(scale, (channels,))
        return Requantization.of_product(self.requant, self._activation_scale(x), per_channel, output.scale)

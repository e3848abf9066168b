"""The kernels one by one, as NumPy functions.

Each call makes a graph of one op and runs it, so it costs more than the kernel alone: for many calls on one shape make
the graph once with `Builder`. A ``*_q`` argument is ``(scale, zero_point)``. Arrays are int8, or uint8 with uint8
zero points; the result has the element type of the first array. Every function also takes ``requant`` ("float32" or
"fixed"), ``isa`` and ``threads``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from intaglio.builder import Builder
from intaglio.errors import DTypeError
from intaglio.opset import Rounding

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from intaglio.builder.core import Activation, RequantName
    from intaglio.builder.sums import PaddingLike, Pair

#: (scale, zero_point)
Quantization = tuple[float, int]
Array = NDArray[Any]


class Engine(TypedDict, total=False):
    """How a function runs."""

    requant: RequantName
    isa: str | None
    threads: int | None


def gemm(
    a: Array,
    b: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    a_q: Quantization,
    b_scale: ArrayLike,
    y_q: Quantization,
    b_zero_point: int = 0,
    activation: Activation = None,
    **engine: Unpack[Engine],
) -> Array:
    """a [M, K] times constant weights b [K, N], a scale per column of b or one for all."""
    return fully_connected(
        a, np.transpose(b), bias, x_q=a_q, weight_scale=b_scale, y_q=y_q, weight_zero_point=b_zero_point,
        activation=activation, **engine,
    )  # fmt: skip


def fully_connected(
    x: Array,
    weights: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    x_q: Quantization,
    weight_scale: ArrayLike,
    y_q: Quantization,
    weight_zero_point: int = 0,
    activation: Activation = None,
    **engine: Unpack[Engine],
) -> Array:
    """x [..., K] times the transposed weights [O, K]."""
    options = {"activation": activation, "weight_zero_point": weight_zero_point}
    return _weighted("fully_connected", x, x_q, weights, weight_scale, bias, y_q, options, engine)


def conv2d(
    x: Array,
    weights: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    x_q: Quantization,
    weight_scale: ArrayLike,
    y_q: Quantization,
    stride: Pair = 1,
    padding: PaddingLike = "valid",
    dilation: Pair = 1,
    groups: int = 1,
    activation: Activation = None,
    weight_zero_point: int = 0,
    **engine: Unpack[Engine],
) -> Array:
    """x [N, H, W, I], weights [O, kh, kw, I / groups]."""
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    options |= {"activation": activation, "weight_zero_point": weight_zero_point}
    return _weighted("conv2d", x, x_q, weights, weight_scale, bias, y_q, options, engine)


def depthwise_conv2d(
    x: Array,
    weights: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    x_q: Quantization,
    weight_scale: ArrayLike,
    y_q: Quantization,
    stride: Pair = 1,
    padding: PaddingLike = "valid",
    dilation: Pair = 1,
    activation: Activation = None,
    weight_zero_point: int = 0,
    **engine: Unpack[Engine],
) -> Array:
    """x [N, H, W, C], weights [kh, kw, C * multiplier]."""
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    options |= {"activation": activation, "weight_zero_point": weight_zero_point}
    return _weighted("depthwise_conv2d", x, x_q, weights, weight_scale, bias, y_q, options, engine)


def transposed_conv2d(
    x: Array,
    weights: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    x_q: Quantization,
    weight_scale: ArrayLike,
    y_q: Quantization,
    stride: Pair = 1,
    padding: PaddingLike = "valid",
    output_size: Sequence[int] | None = None,
    activation: Activation = None,
    weight_zero_point: int = 0,
    **engine: Unpack[Engine],
) -> Array:
    """x [N, H, W, I], weights [O, kh, kw, I]."""
    options: dict[str, Any] = {"stride": stride, "padding": padding, "output_size": output_size}
    options |= {"activation": activation, "weight_zero_point": weight_zero_point}
    return _weighted("transposed_conv2d", x, x_q, weights, weight_scale, bias, y_q, options, engine)


def batch_matmul(
    a: Array,
    b: Array,
    *,
    a_q: Quantization,
    b_q: Quantization,
    y_q: Quantization,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    activation: Activation = None,
    **engine: Unpack[Engine],
) -> Array:
    """a [..., M, K] times b [..., K, N]; leading axes broadcast."""
    options = {"adjoint_a": adjoint_a, "adjoint_b": adjoint_b, "activation": activation}
    return _binary("batch_matmul", (a, a_q), (b, b_q), y_q, engine, options)


def add(
    a: Array,
    b: Array,
    *,
    a_q: Quantization,
    b_q: Quantization,
    y_q: Quantization,
    activation: Activation = None,
    **engine: Unpack[Engine],
) -> Array:
    """a + b, broadcasting."""
    return _binary("add", (a, a_q), (b, b_q), y_q, engine, {"activation": activation})


def sub(
    a: Array,
    b: Array,
    *,
    a_q: Quantization,
    b_q: Quantization,
    y_q: Quantization,
    activation: Activation = None,
    **engine: Unpack[Engine],
) -> Array:
    """a - b, broadcasting."""
    return _binary("sub", (a, a_q), (b, b_q), y_q, engine, {"activation": activation})


def mul(
    a: Array,
    b: Array,
    *,
    a_q: Quantization,
    b_q: Quantization,
    y_q: Quantization,
    activation: Activation = None,
    **engine: Unpack[Engine],
) -> Array:
    """a * b, broadcasting."""
    return _binary("mul", (a, a_q), (b, b_q), y_q, engine, {"activation": activation})


def maximum(a: Array, b: Array, **engine: Unpack[Engine]) -> Array:
    """The larger of two arrays of one quantization, broadcasting."""
    return _run(lambda build, x: build.maximum(*x), [(a, None), (b, None)], engine)


def minimum(a: Array, b: Array, **engine: Unpack[Engine]) -> Array:
    """The smaller of two arrays of one quantization, broadcasting."""
    return _run(lambda build, x: build.minimum(*x), [(a, None), (b, None)], engine)


def unary(
    function: str | Callable[[NDArray[np.float64]], NDArray[np.float64]],
    x: Array,
    *,
    x_q: Quantization,
    y_q: Quantization,
    parameters: dict[str, Any] | None = None,
    **engine: Unpack[Engine],
) -> Array:
    """A real function by name (`intaglio.functions.FUNCTIONS`) or as a callable, by a 256-entry table."""
    scale, zero_point = _stored(x, y_q)
    return _run(
        lambda build, names: build.unary(function, names[0], scale, zero_point, **(parameters or {})),
        [(x, x_q)],
        engine,
    )


def requantize(x: Array, *, x_q: Quantization, y_q: Quantization, **engine: Unpack[Engine]) -> Array:
    """The same real values in another scale and zero point."""
    scale, zero_point = _stored(x, y_q)
    return _run(lambda build, names: build.requantize(names[0], scale, zero_point), [(x, x_q)], engine)


def quantize(
    x: Array, *, y_q: Quantization, rounding: Rounding = Rounding.HALF_EVEN, **engine: Unpack[Engine]
) -> Array:
    """float32 to int8."""
    return _run(lambda build, names: build.quantize(names[0], *y_q, rounding=rounding), [(x, None)], engine)


def dequantize(x: Array, *, x_q: Quantization, **engine: Unpack[Engine]) -> Array:
    """int8 or uint8 to float32."""
    return _run(lambda build, names: build.dequantize(names[0]), [(x, x_q)], engine)


def max_pool2d(
    x: Array,
    kernel: Pair,
    *,
    stride: Pair | None = None,
    padding: PaddingLike = "valid",
    **engine: Unpack[Engine],
) -> Array:
    """The largest value of each window of x [N, H, W, C]."""
    return _run(lambda build, n: build.max_pool2d(n[0], kernel, stride=stride, padding=padding), [(x, None)], engine)


def average_pool2d(
    x: Array,
    kernel: Pair,
    *,
    stride: Pair | None = None,
    padding: PaddingLike = "valid",
    rounding: Rounding = Rounding.HALF_AWAY,
    **engine: Unpack[Engine],
) -> Array:
    """The mean of each window of x [N, H, W, C], over the positions inside."""
    return _run(
        lambda build, n: build.average_pool2d(n[0], kernel, stride=stride, padding=padding, rounding=rounding),
        [(x, None)],
        engine,
    )


def mean(
    x: Array,
    axes: Sequence[int],
    *,
    x_q: Quantization,
    y_q: Quantization,
    keepdims: bool = False,
    **engine: Unpack[Engine],
) -> Array:
    """The mean over axes."""
    scale, zero_point = _stored(x, y_q)
    return _run(
        lambda build, names: build.mean(names[0], axes, scale, zero_point, keepdims=keepdims), [(x, x_q)], engine
    )


def softmax(
    x: Array, *, x_q: Quantization, y_q: Quantization | None = None, beta: float = 1.0, **engine: Unpack[Engine]
) -> Array:
    """Softmax over the last axis, by default to 256 steps from 0 to 1."""
    scale, zero_point = (1 / 256, -128) if y_q is None else _stored(x, y_q)
    return _run(lambda build, names: build.softmax(names[0], scale, zero_point, beta=beta), [(x, x_q)], engine)


def arg_max(x: Array, axis: int = -1, **engine: Unpack[Engine]) -> Array:
    """The index of the first largest value, int64."""
    return _run(lambda build, names: build.arg_max(names[0], axis), [(x, None)], engine)


def arg_min(x: Array, axis: int = -1, **engine: Unpack[Engine]) -> Array:
    """The index of the first smallest value, int64."""
    return _run(lambda build, names: build.arg_min(names[0], axis), [(x, None)], engine)


def transpose(x: Array, permutation: Sequence[int] | None = None, **engine: Unpack[Engine]) -> Array:
    """Axes in another order."""
    return _run(lambda build, names: build.transpose(names[0], permutation), [(x, None)], engine)


def pad(x: Array, padding: Sequence[Sequence[int]], value: int = 0, **engine: Unpack[Engine]) -> Array:
    """(before, after) per axis, filled with ``value``."""
    stored = value - 128 if x.dtype == np.uint8 else value
    return _run(lambda build, names: build.pad(names[0], padding, stored), [(x, None)], engine)


def concat(arrays: Sequence[Array], axis: int, **engine: Unpack[Engine]) -> Array:
    """One after the other along an axis."""
    return _run(lambda build, names: build.concat(names, axis), [(x, None) for x in arrays], engine)


def resize_nearest(
    x: Array, size: Pair, *, align_corners: bool = False, half_pixel_centers: bool = False, **engine: Unpack[Engine]
) -> Array:
    """x [N, H, W, C] to another height and width by the nearest position."""
    corners: dict[str, Any] = {"align_corners": align_corners, "half_pixel_centers": half_pixel_centers}
    return _run(lambda build, names: build.resize_nearest(names[0], size, **corners), [(x, None)], engine)


def resize_bilinear(
    x: Array, size: Pair, *, align_corners: bool = False, half_pixel_centers: bool = False, **engine: Unpack[Engine]
) -> Array:
    """x [N, H, W, C] to another height and width, linearly."""
    corners: dict[str, Any] = {"align_corners": align_corners, "half_pixel_centers": half_pixel_centers}
    return _run(lambda build, names: build.resize_bilinear(names[0], size, **corners), [(x, None)], engine)


def depth_to_space(x: Array, block: int, **engine: Unpack[Engine]) -> Array:
    """[N, H, W, b * b * C] to [N, H * b, W * b, C]."""
    return _run(lambda build, names: build.depth_to_space(names[0], block), [(x, None)], engine)


def space_to_depth(x: Array, block: int, **engine: Unpack[Engine]) -> Array:
    """[N, H * b, W * b, C] to [N, H, W, b * b * C]."""
    return _run(lambda build, names: build.space_to_depth(names[0], block), [(x, None)], engine)


def _weighted(
    op: str,
    x: Array,
    x_q: Quantization,
    weights: ArrayLike,
    weight_scale: ArrayLike,
    bias: ArrayLike | None,
    y_q: Quantization,
    options: dict[str, Any],
    engine: Engine,
) -> Array:
    scale, zero_point = _stored(x, y_q)
    return _run(
        lambda build, names: getattr(build, op)(names[0], weights, weight_scale, bias, scale, zero_point, **options),
        [(x, x_q)],
        engine,
    )


def _binary(
    op: str,
    a: tuple[Array, Quantization],
    b: tuple[Array, Quantization],
    y_q: Quantization,
    engine: Engine,
    options: dict[str, Any],
) -> Array:
    scale, zero_point = _stored(a[0], y_q)
    return _run(lambda build, names: getattr(build, op)(*names, scale, zero_point, **options), [a, b], engine)


def _stored(first: Array, y_q: Quantization) -> Quantization:
    """The quantization of a result as the graph stores it: int8."""
    scale, zero_point = y_q
    return scale, zero_point - 128 if first.dtype == np.uint8 else zero_point


def _run(
    make: Callable[[Builder, list[str]], str],
    arrays: Sequence[tuple[Array, Quantization | None]],
    engine: Engine,
) -> Array:
    """Build a graph over these arrays (without a quantization, int8 values stand for themselves) and run it."""
    from intaglio.model import load

    build = Builder(requant=engine.get("requant", "float32"))
    names = []
    for i, (array, quantization) in enumerate(arrays):
        if array.dtype not in (np.int8, np.uint8, np.float32):
            raise DTypeError(f"argument {i}: expected int8, uint8 or float32, got {array.dtype}")
        plain = (1.0, 128 if array.dtype == np.uint8 else 0)
        scale, zero_point = (None, 0) if array.dtype == np.float32 else quantization or plain
        names.append(build.input(f"x{i}", array.shape, scale, zero_point, array.dtype))
    result = make(build, names)
    seen = np.uint8 if arrays[0][0].dtype == np.uint8 and build.tensor(result).scale is not None else None
    build.output(result, seen)
    model = load(build.build(), threads=engine.get("threads"), isa=engine.get("isa"))
    return np.asarray(model(*(array for array, _ in arrays), raw=True))

"""Random one-op graphs over the whole op set, and random full-range inputs for them.

`random_graph` and `random_inputs` draw from a NumPy generator, so a seed is a test case; `graphs` wraps them for
Hypothesis. Every choice an op leaves open is drawn: both requantization modes, zero points at both ends, clamps,
weight zero points, strides, dilation, groups, padding, broadcasting, constants as either operand, uint8 ports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from intaglio.builder import Builder
from intaglio.graph import Graph
from intaglio.opset import BY_NAME, Requant, Rounding
from intaglio.quantization import Requantization

Maker = Callable[["Draw"], str]


def random_graph(op: str, rng: np.random.Generator) -> Graph:
    """A valid graph whose only node is ``op``."""
    draw = Draw(rng)
    draw.builder.output(_MAKERS[op](draw))
    graph = draw.builder.build()
    assert [node.op for node in graph.nodes] == [op]
    return graph


def random_inputs(graph: Graph, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Arrays for every input port: the full range of integers, floats with ties, infinities and huge values."""
    inputs = {}
    for port in graph.inputs:
        shape = graph.tensors[port.tensor].shape
        if port.dtype == np.float32:
            inputs[port.tensor] = _floats(graph, shape, rng)
        else:
            limits = np.iinfo(port.dtype)
            inputs[port.tensor] = full_range(rng, shape, int(limits.min), int(limits.max), port.dtype)
    return inputs


@st.composite
def graphs(draw: st.DrawFn, op: str | None = None) -> tuple[Graph, dict[str, NDArray[Any]]]:
    """A random graph of ``op``, or of any op, with inputs."""
    name = op or draw(st.sampled_from(sorted(BY_NAME)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    graph = random_graph(name, rng)
    return graph, random_inputs(graph, rng)


def full_range(rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int, dtype: Any) -> NDArray[Any]:
    """Integers over [low, high]; about one array in three holds the two ends alone, where sums are largest."""
    if rng.random() < 1 / 3:
        return rng.choice(np.array([low, high], dtype), shape)
    return rng.integers(low, high, shape, dtype, endpoint=True)


def _floats(graph: Graph, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    scale = next((t.scale for t in graph.output_tensors if t.scale is not None), np.float32(1))
    values = (rng.integers(-600, 600, shape) / 2 * float(scale)).astype(np.float32)
    wild = rng.choice(np.array([np.inf, -np.inf, 3e38, -3e38, 1e-40, -0.0], np.float32), shape)
    return np.where(rng.random(shape) < 0.1, wild, values)


class Draw:
    """A builder together with the random choices that ops share."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.mode = Requant(int(rng.integers(2)))
        self.builder = Builder(requant="fixed" if self.mode is Requant.FIXED else "float32")

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high, endpoint=True))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def scale(self) -> float:
        return float(np.float32(2.0 ** self.rng.uniform(-9, 1)))

    def zero_point(self) -> int:
        return self.integer(-128, 127) if self.chance(0.7) else int(self.rng.choice([-128, -127, 0, 126, 127]))

    def channels(self) -> int:
        """Mostly small and odd, at times a full block of a kernel or more."""
        return int(self.rng.choice([1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 48, 67]))

    def shape(self, low: int = 1, high: int = 4) -> tuple[int, ...]:
        """Any rank in [low, high], small sizes."""
        return tuple(self.integer(1, 9) for _ in range(self.integer(low, high)))

    def image(self, least: int = 1, channels: int | None = None) -> tuple[int, int, int, int]:
        height, width = (max(self.integer(1, 12), least) for _ in range(2))
        return self.integer(1, 3), height, width, channels or self.channels()

    def activation_input(self, name: str, shape: tuple[int, ...], like: str | None = None) -> str:
        """An int8 input, seen as int8 or uint8; with ``like``, of the same scale and zero point."""
        scale, zero_point = self.scale(), self.zero_point()
        if like is not None:
            tensor = self.builder.tensor(like)
            assert tensor.scale is not None
            scale, zero_point = float(tensor.scale), tensor.zero_point
        if self.chance(0.25):
            return self.builder.input(name, shape, scale, zero_point + 128, "uint8")
        return self.builder.input(name, shape, scale, zero_point)

    def operand(self, name: str, shape: tuple[int, ...], constant: bool) -> str:
        if not constant:
            return self.activation_input(name, shape)
        return self.builder.constant(self.int8(shape), self.scale(), self.zero_point(), name=name)

    def any_input(self, shape: tuple[int, ...]) -> str:
        """An input of any element type."""
        if self.chance(0.6):
            return self.activation_input("x", shape)
        return self.builder.input("x", shape, dtype=str(self.rng.choice(["int32", "int64", "float32"])))

    def int8(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return full_range(self.rng, shape, -128, 127, np.dtype(np.int8)).astype(np.int8)

    def bias(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.int32] | None:
        """Mostly such that accumulators spread around zero; at times none, or large."""
        if self.chance(0.15):
            return None
        reach = 2.0 ** self.integer(4, 26) if self.chance(0.15) else deviation
        return (self.rng.uniform(-1, 1, mean.shape) * reach - mean).astype(np.int32)

    def clamp(self) -> str | tuple[int, int] | None:
        if self.chance(0.25):
            low, high = sorted((self.integer(-128, 127), self.integer(-128, 127)))
            return low, high
        return [None, None, None, "relu", "relu6", "relu_n1_to_1"][self.integer(0, 5)]

    def requantization(self, spread: NDArray[np.float64] | float) -> Requantization:
        """Factors that bring accumulators of this deviation into int8, at times far from that."""
        around = np.atleast_1d(np.asarray(spread, np.float64))
        exponent = self.rng.normal(0, 1, around.shape) if self.chance(0.8) else self.rng.uniform(-20, 4, around.shape)
        if self.mode is Requant.FIXED and self.chance(0.2):
            # A multiplier need not be normalized.
            multiplier = self.rng.integers(0, 2**31, around.shape)
            return Requantization.of_multipliers(multiplier, self.rng.integers(-31, 1, around.shape))
        return Requantization.of_factors(self.mode, np.minimum(30 / around * 2.0**exponent, 1.5))

    def window(self, size: tuple[int, int], dilated: bool) -> dict[str, Any]:
        """Kernel, stride, dilation and padding that fit a map of this size."""
        kernel, dilation, padding = [1, 1], [1, 1], [0, 0, 0, 0]
        common = self.integer(1, 5)
        for axis, n in enumerate(size):
            kernel[axis] = common if self.chance(0.7) else self.integer(1, 5)
            dilation[axis] = self.integer(1, 3) if dilated and self.chance(0.3) else 1
            extent = dilation[axis] * (kernel[axis] - 1) + 1
            missing = max(extent - n, 0)
            padding[axis] = self.integer(0, extent - 1)
            padding[axis + 2] = max(missing - padding[axis], self.integer(0, extent - 1))
        named = self.chance(0.3) and all((k - 1) * d < n for k, d, n in zip(kernel, dilation, size, strict=True))
        return {
            "kernel": tuple(kernel),
            "stride": self.integer(1, 3) if self.chance(0.7) else (self.integer(1, 4), self.integer(1, 4)),
            "dilation": tuple(dilation),
            "padding": str(self.rng.choice(["same", "valid"])) if named else tuple(padding),
        }

    def result(self, x: str, weights: NDArray[np.int8]) -> dict[str, Any]:
        """What a sum of products says about its result; ``weights`` are [channels, terms]."""
        zw = self.zero_point() if self.chance(0.3) else 0
        w = weights.astype(np.float64) - zw
        mean = w.sum(axis=1) * (-0.5 - self.builder.tensor(x).zero_point)
        deviation = 74 * np.sqrt((w**2).sum(axis=1)) + 1
        common = {
            "bias": self.bias(mean, deviation),
            "out_scale": self.scale(),
            "out_zero_point": self.zero_point(),
            "activation": self.clamp(),
            "weight_zero_point": zw,
        }
        if self.chance(0.3):
            scale = self.rng.uniform(0.2, 2, len(w) if self.chance(0.5) else 1)
            return {**common, "weight_scale": scale, "out_scale": self.scale() * float(deviation.max())}
        spread = deviation if self.chance(0.6) else np.full(len(w), deviation.max())
        return {**common, "weight_scale": None, "requantization": self.requantization(spread)}


def _conv2d(draw: Draw) -> str:
    groups = int(draw.rng.choice([1, 1, 1, 1, 2, 3, 4]))
    shape = draw.image(channels=draw.channels() * groups)
    window = draw.window(shape[1:3], dilated=True)
    kernel, inputs = window.pop("kernel"), shape[3] // groups
    if draw.chance(0.35):
        kernel, window = (1, 1), {"padding": "valid", "stride": draw.integer(1, 2)}
    outputs = draw.channels() * groups
    x = draw.activation_input("x", shape)
    weights = draw.int8((outputs, *kernel, inputs))
    result = draw.result(x, weights.reshape(outputs, -1))
    return draw.builder.conv2d(x, weights, **result, **window, groups=groups)


def _depthwise_conv2d(draw: Draw) -> str:
    shape = draw.image()
    window = draw.window(shape[1:3], dilated=True)
    kernel, outputs = window.pop("kernel"), shape[3] * (draw.integer(1, 3) if draw.chance(0.3) else 1)
    x = draw.activation_input("x", shape)
    weights = draw.int8((*kernel, outputs))
    result = draw.result(x, weights.reshape(-1, outputs).T)
    return draw.builder.depthwise_conv2d(x, weights, **result, **window)


def _transposed_conv2d(draw: Draw) -> str:
    shape = draw.image()
    kernel = (draw.integer(1, 5), draw.integer(1, 5))
    strides = (draw.integer(1, 3), draw.integer(1, 3))
    outputs = draw.channels()
    padding: Any = str(draw.rng.choice(["same", "valid"]))
    if draw.chance(0.5):
        # At least one output is left; the bottom and right may reach past the last input.
        room = [(n - 1) * s + k - 1 for n, s, k in zip(shape[1:3], strides, kernel, strict=True)]
        top, left = (draw.integer(0, min(k - 1, r)) for k, r in zip(kernel, room, strict=True))
        padding = (top, left, draw.integer(-2, min(2, room[0] - top)), draw.integer(-2, min(2, room[1] - left)))
    x = draw.activation_input("x", shape)
    weights = draw.int8((outputs, *kernel, shape[3]))
    result = draw.result(x, weights.reshape(outputs, -1))
    return draw.builder.transposed_conv2d(x, weights, **result, stride=strides, padding=padding)


def _fully_connected(draw: Draw) -> str:
    k = draw.integer(1, 300) if draw.chance(0.5) else draw.channels()
    outputs = draw.channels()
    x = draw.activation_input("x", (*(draw.integer(1, 20) for _ in range(draw.integer(0, 2))), k))
    weights = draw.int8((outputs, k))
    return draw.builder.fully_connected(x, weights, **draw.result(x, weights))


def _batch_matmul(draw: Draw) -> str:
    m, k, n = draw.integer(1, 20), draw.integer(1, 70), draw.channels()
    leading_a, leading_b = _broadcastable(draw, tuple(draw.integer(1, 4) for _ in range(draw.integer(0, 2))))
    constant = draw.integer(0, 3)
    a = draw.operand("a", (*leading_a, m, k), constant == 1)
    b = draw.operand("b", (*leading_b, k, n), constant == 2)
    parameters = draw.requantization(74 * 74 * float(np.sqrt(k)))
    return draw.builder.batch_matmul(
        a, b, draw.scale(), draw.zero_point(), activation=draw.clamp(), requantization=parameters
    )


def _broadcastable(draw: Draw, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast to ``shape``, or equal it."""
    if draw.chance(0.4):
        return shape, shape
    other = tuple(1 if draw.chance(0.4) else n for n in shape)[draw.integer(0, len(shape)) :]
    if draw.chance(0.3):
        first = tuple(
            n if i < len(shape) - len(other) or other[i - len(shape)] != n else 1 for i, n in enumerate(shape)
        )
        return (first, other) if draw.chance(0.5) else (other, first)
    return (shape, other) if draw.chance(0.5) else (other, shape)


def _operands(draw: Draw) -> tuple[str, str]:
    shape = draw.shape(0, 4) if draw.chance(0.6) else draw.image()
    shape_a, shape_b = _broadcastable(draw, shape)
    constant = draw.integer(0, 3)
    return draw.operand("a", shape_a, constant == 1), draw.operand("b", shape_b, constant == 2)


def _add(draw: Draw, op: str = "add") -> str:
    a, b = _operands(draw)
    scales = [float(draw.builder.tensor(name).scale or 1) for name in (a, b)]
    out_scale = max(scales) * 2.0 ** draw.rng.uniform(0, 3)
    method = getattr(draw.builder, op)
    return str(method(a, b, out_scale, draw.zero_point(), activation=draw.clamp()))


def _sub(draw: Draw) -> str:
    return _add(draw, "sub")


def _mul(draw: Draw) -> str:
    a, b = _operands(draw)
    parameters = draw.requantization(74 * 74)
    return draw.builder.mul(a, b, draw.scale(), draw.zero_point(), activation=draw.clamp(), requantization=parameters)


def _maximum(draw: Draw, op: str = "maximum") -> str:
    shape_a, shape_b = _broadcastable(draw, draw.shape(0, 4))
    constant = draw.integer(0, 3)
    if constant == 1:
        a = draw.operand("a", shape_a, True)
        b = draw.activation_input("b", shape_b, like=a)
    else:
        a = draw.activation_input("a", shape_a)
        tensor = draw.builder.tensor(a)
        if constant == 2:
            b = draw.builder.constant(draw.int8(shape_b), tensor.scale, tensor.zero_point, name="b")
        else:
            b = draw.activation_input("b", shape_b, like=a)
    return str(getattr(draw.builder, op)(a, b))


def _minimum(draw: Draw) -> str:
    return _maximum(draw, "minimum")


def _lookup(draw: Draw) -> str:
    x = draw.activation_input("x", draw.shape(0, 4))
    return draw.builder.lookup(x, draw.int8((256,)), draw.scale(), draw.zero_point())


def _pool_arguments(draw: Draw) -> dict[str, Any]:
    shape = draw.image()
    x = draw.activation_input("x", shape)
    if draw.chance(0.2):
        return {"x": x, "kernel": shape[1:3], "activation": draw.clamp()}
    window = draw.window(shape[1:3], dilated=False)
    del window["dilation"]
    if not isinstance(window["padding"], str):
        # Fewer positions than the kernel has keep every window touching the input, except where a long stride
        # starts the last one beyond it.
        window["padding"] = tuple(min(p, k - 1) for p, k in zip(window["padding"], window["kernel"] * 2, strict=True))
        window["kernel"] = tuple(min(k, n) for k, n in zip(window["kernel"], shape[1:3], strict=True))
        window["padding"] = tuple(min(p, k - 1) for p, k in zip(window["padding"], window["kernel"] * 2, strict=True))
    return {"x": x, **window, "activation": draw.clamp()}


def _max_pool2d(draw: Draw) -> str:
    return draw.builder.max_pool2d(**_pool_arguments(draw))


def _average_pool2d(draw: Draw) -> str:
    rounding = Rounding.HALF_AWAY if draw.chance(0.5) else Rounding.HALF_UP
    return draw.builder.average_pool2d(**_pool_arguments(draw), rounding=rounding)


def _mean(draw: Draw) -> str:
    shape = draw.shape(1, 4) if draw.chance(0.5) else draw.image()
    axes = [axis for axis in range(len(shape)) if draw.chance(0.5)]
    if draw.chance(0.3) and len(shape) == 4:
        axes = [1, 2]
    x = draw.activation_input("x", shape)
    count = int(np.prod([shape[a] for a in axes], dtype=np.int64))
    parameters = draw.requantization(74 * float(np.sqrt(count)))
    keep = draw.chance(0.5)
    return draw.builder.mean(x, axes, draw.scale(), draw.zero_point(), keepdims=keep, requantization=parameters)


def _softmax(draw: Draw) -> str:
    shape = (*draw.shape(0, 3), draw.integer(1, 400) if draw.chance(0.4) else draw.integer(1, 20))
    x = draw.activation_input("x", shape)
    beta = float(2.0 ** draw.rng.uniform(-2, 2))
    if draw.mode is Requant.FIXED:
        return draw.builder.softmax(x, beta=beta)
    if draw.chance(0.5):
        return draw.builder.softmax(x, float(2.0 ** draw.rng.uniform(-10, -6)), draw.zero_point(), beta=beta)
    return draw.builder.softmax(x, beta=beta)


def _arg_max(draw: Draw, op: str = "arg_max") -> str:
    shape = draw.shape(1, 4)
    x = draw.activation_input("x", shape)
    dtype = np.int32 if draw.chance(0.5) else np.int64
    return str(getattr(draw.builder, op)(x, draw.integer(0, len(shape) - 1), dtype=dtype))


def _arg_min(draw: Draw) -> str:
    return _arg_max(draw, "arg_min")


def _reshape(draw: Draw) -> str:
    shape = draw.shape(0, 4)
    flat = int(np.prod(shape, dtype=np.int64))
    split = next((d for d in (2, 3, 5, 7) if flat % d == 0), 1)
    return draw.builder.reshape(draw.any_input(shape), [split, flat // split] if draw.chance(0.5) else [flat])


def _transpose(draw: Draw) -> str:
    shape = draw.shape(0, 6) if draw.chance(0.3) else draw.shape(2, 4)
    x = draw.any_input(shape)
    return draw.builder.transpose(x, [int(p) for p in draw.rng.permutation(len(shape))])


def _slice(draw: Draw) -> str:
    shape = draw.shape(1, 5)
    ends = [sorted((draw.integer(0, n - 1), draw.integer(1, n))) for n in shape]
    begin, end, strides = [e[0] for e in ends], [max(e) for e in ends], [draw.integer(1, 3) for _ in shape]
    stop: list[int | None] = [max(e, b + 1) for b, e in zip(begin, end, strict=True)]
    for axis, n in enumerate(shape):
        if draw.chance(0.2):
            begin[axis], stop[axis], strides[axis] = n - 1, None, -draw.integer(1, 2)
    return draw.builder.strided_slice(draw.any_input(shape), begin, stop, strides)


def _pad(draw: Draw) -> str:
    shape = draw.shape(1, 5)
    x = draw.any_input(shape)
    padding = [(draw.integer(0, 3), draw.integer(0, 3)) for _ in shape]
    dtype = draw.builder.tensor(x).dtype
    value = draw.integer(-128, 127) if dtype == np.int8 else 0
    if dtype == np.float32:
        value = int(np.float32(-1.5).view(np.int32))
    return draw.builder.pad(x, padding, value if draw.chance(0.7) else None)


def _concat(draw: Draw) -> str:
    shape = draw.shape(1, 4)
    axis = draw.integer(0, len(shape) - 1)
    first = draw.activation_input("x0", shape)
    names = [first]
    for i in range(1, draw.integer(1, 4)):
        other = tuple(draw.integer(1, 9) if a == axis else n for a, n in enumerate(shape))
        names.append(draw.activation_input(f"x{i}", other, like=first))
    if draw.chance(0.2):
        tensor = draw.builder.tensor(first)
        names.append(draw.builder.constant(draw.int8(shape), tensor.scale, tensor.zero_point, name="constant"))
    if draw.chance(0.2):
        names.append(first)
    return draw.builder.concat([names[i] for i in draw.rng.permutation(len(names))], axis)


def _broadcast_to(draw: Draw) -> str:
    shape = draw.shape(0, 4)
    source = tuple(1 if draw.chance(0.5) else n for n in shape)[draw.integer(0, len(shape)) :]
    return draw.builder.broadcast_to(draw.any_input(source), shape)


def _resize(draw: Draw, op: str) -> str:
    x = draw.activation_input("x", draw.image())
    corners = {"align_corners": draw.chance(0.4)}
    corners["half_pixel_centers"] = not corners["align_corners"] and draw.chance(0.5)
    return str(getattr(draw.builder, op)(x, (draw.integer(1, 20), draw.integer(1, 20)), **corners))


def _resize_nearest(draw: Draw) -> str:
    return _resize(draw, "resize_nearest")


def _resize_bilinear(draw: Draw) -> str:
    return _resize(draw, "resize_bilinear")


def _quantize(draw: Draw) -> str:
    x = draw.builder.input("x", draw.shape(0, 4), dtype="float32")
    rounding = Rounding.HALF_EVEN if draw.chance(0.5) else Rounding.HALF_AWAY
    return draw.builder.quantize(x, draw.scale(), draw.zero_point(), rounding=rounding)


def _dequantize(draw: Draw) -> str:
    return draw.builder.dequantize(draw.activation_input("x", draw.shape(0, 4)))


_MAKERS: dict[str, Maker] = {name: globals()[f"_{name}"] for name in BY_NAME}

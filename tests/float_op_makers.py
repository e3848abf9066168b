"""As op_makers, for the float32 ops and those with int32 results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from draw import Draw
from numpy.typing import NDArray

from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary, IntegerBinary

#: Values at which functions turn, round or overflow.
SPECIAL = np.array(
    [np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3e38, -3e38, 1e-40, -1e-45, 1e-38, 88.8, -104.0],
    np.float32,
)


def floats(rng: np.random.Generator, shape: tuple[int, ...], special: float = 0.0) -> NDArray[np.float32]:
    """Numbers of all magnitudes, most of them ordinary; a share of special ones."""
    values = rng.normal(0, 1, shape) * 10.0 ** rng.choice([0, 0, 0, 0, -3, 2, -20, 20], shape)
    return np.where(rng.random(shape) < special, rng.choice(SPECIAL, shape), values).astype(np.float32)


def _float_input(draw: Draw, name: str, shape: tuple[int, ...]) -> str:
    return draw.builder.input(name, shape, dtype="float32")


def _float_operand(draw: Draw, name: str, shape: tuple[int, ...]) -> str:
    """A constant or an input."""
    if draw.chance(0.3):
        return _float_input(draw, name, shape)
    return draw.builder.constant(floats(draw.rng, shape, 0.01 if draw.chance(0.3) else 0.0), name=name)


def _sum_arguments(draw: Draw, channels: int) -> dict[str, Any]:
    bounds = [None, "relu", "relu6", "relu_n1_to_1", (-0.5, np.inf), (-0.0, 3.0)]
    activation = bounds[draw.integer(0, len(bounds) - 1)]
    return {"bias": _float_operand(draw, "bias", (channels,)), "activation": activation}


def _float_conv2d(draw: Draw) -> str:
    groups = int(draw.rng.choice([1, 1, 1, 2, 3]))
    shape = draw.image(channels=draw.channels() * groups)
    window = draw.window(shape[1:3], dilated=True)
    kernel, inputs = window.pop("kernel"), shape[3] // groups
    if draw.chance(0.35):
        kernel, window = (1, 1), {"padding": "valid", "stride": draw.integer(1, 2)}
    outputs = draw.channels() * groups
    weight = _float_operand(draw, "weight", (outputs, *kernel, inputs))
    x = _float_input(draw, "x", shape)
    return draw.builder.float_conv2d(x, weight, **_sum_arguments(draw, outputs), **window, groups=groups)


def _float_depthwise_conv2d(draw: Draw) -> str:
    shape = draw.image()
    window = draw.window(shape[1:3], dilated=True)
    kernel, outputs = window.pop("kernel"), shape[3] * (draw.integer(1, 3) if draw.chance(0.3) else 1)
    weight = _float_operand(draw, "weight", (*kernel, outputs))
    x = _float_input(draw, "x", shape)
    return draw.builder.float_depthwise_conv2d(x, weight, **_sum_arguments(draw, outputs), **window)


def _float_transposed_conv2d(draw: Draw) -> str:
    shape = draw.image()
    kernel = (draw.integer(1, 5), draw.integer(1, 5))
    strides = (draw.integer(1, 3), draw.integer(1, 3))
    outputs = draw.channels()
    padding: Any = str(draw.rng.choice(["same", "valid"]))
    if draw.chance(0.5):
        room = [(n - 1) * s + k - 1 for n, s, k in zip(shape[1:3], strides, kernel, strict=True)]
        top, left = (draw.integer(0, min(k - 1, r)) for k, r in zip(kernel, room, strict=True))
        padding = (top, left, draw.integer(-2, min(2, room[0] - top)), draw.integer(-2, min(2, room[1] - left)))
    weight = _float_operand(draw, "weight", (outputs, *kernel, shape[3]))
    x = _float_input(draw, "x", shape)
    arguments = _sum_arguments(draw, outputs)
    return draw.builder.float_transposed_conv2d(x, weight, **arguments, stride=strides, padding=padding)


def _float_matmul(draw: Draw) -> str:
    m, k, n = draw.integer(1, 20), draw.integer(1, 70), draw.channels()
    leading_a, leading_b = draw.broadcastable(tuple(draw.integer(1, 4) for _ in range(draw.integer(0, 2))))
    a = _float_input(draw, "a", (*leading_a, m, k))
    b = _float_operand(draw, "b", (*leading_b, k, n))
    return draw.builder.float_matmul(a, b, **_sum_arguments(draw, n))


def _float_operands(draw: Draw) -> tuple[str, str]:
    shape_a, shape_b = draw.broadcastable(draw.shape(0, 4) if draw.chance(0.6) else draw.image())
    return _float_operand(draw, "a", shape_a), _float_input(draw, "b", shape_b)


def _float_binary(draw: Draw) -> str:
    a, b = _float_operands(draw)
    return draw.builder.float_binary(FloatBinary(draw.integer(0, len(FloatBinary) - 1)), *draw.rng.permutation([a, b]))


def _float_unary(draw: Draw) -> str:
    kind = FloatUnary(draw.integer(0, len(FloatUnary) - 1))
    parameters = [float(v) for v in floats(draw.rng, (len(kind.parameters),))]
    x = _float_input(draw, "x", draw.shape(0, 4))
    return draw.builder.float_unary(kind, x, sorted(parameters))


def _float_prelu(draw: Draw) -> str:
    shape = draw.image()
    slope = (shape[3],) if draw.chance(0.7) else tuple(1 if draw.chance(0.4) else n for n in shape)
    return draw.builder.float_prelu(_float_input(draw, "x", shape), _float_operand(draw, "slope", slope))


def _float_pool2d(draw: Draw) -> str:
    shape = draw.image()
    kind = FloatPool(draw.integer(0, len(FloatPool) - 1))
    x = _float_input(draw, "x", shape)
    return draw.builder.float_pool2d(kind, x, **draw.pool_window(shape[1:3]))


def _float_reduce(draw: Draw) -> str:
    shape = draw.shape(0, 4) if draw.chance(0.5) else draw.image()
    axes = [axis for axis, n in enumerate(shape) if n and draw.chance(0.5)]
    if draw.chance(0.3) and len(shape) == 4:
        axes = [1, 2]
    x = _float_input(draw, "x", shape)
    kind = FloatReduce(draw.integer(0, len(FloatReduce) - 1))
    return draw.builder.float_reduce(kind, x, axes, keepdims=draw.chance(0.5))


def _float_softmax(draw: Draw) -> str:
    shape = (*draw.shape(0, 3), draw.integer(1, 400) if draw.chance(0.4) else draw.integer(1, 20))
    return draw.builder.float_softmax(_float_input(draw, "x", shape), log=draw.chance(0.5))


def _float_resize_bilinear(draw: Draw) -> str:
    shape = draw.image()
    tables = []
    for size in shape[1:3]:
        count = draw.integer(1, 20)
        weights = draw.rng.uniform(0, 1, count) if draw.chance(0.8) else floats(draw.rng, (count,))
        tables += [draw.rng.integers(0, size, (count, 2)), weights]
    return draw.builder.float_resize_bilinear(_float_input(draw, "x", shape), *tables)


def _gather(draw: Draw) -> str:
    shape = draw.shape(1, 4)
    axis = draw.integer(0, len(shape) - 1)
    indices = draw.rng.integers(-shape[axis], shape[axis], draw.shape(0, 2))
    return draw.builder.gather(draw.any_input(shape), indices.astype(draw.rng.choice(["int32", "int64"])), axis)


def _dynamic_quantize(draw: Draw) -> str:
    values, scale, zero_point = draw.builder.dynamic_quantize(_float_input(draw, "x", draw.shape(0, 4)))
    draw.builder.output(scale)
    draw.builder.output(zero_point)
    return values


def _zero_point(draw: Draw, name: str, shape: tuple[int, ...]) -> str:
    values = np.array([draw.zero_point() for _ in range(int(np.prod(shape)))], np.int32).reshape(shape)
    if draw.chance(0.3):
        return draw.builder.input(name, shape, dtype="int32")
    return draw.builder.constant(values, name=name)


def _int8_operand(draw: Draw, name: str, shape: tuple[int, ...]) -> str:
    return (
        draw.builder.constant(draw.int8(shape), name=name) if draw.chance(0.7) else draw.activation_input(name, shape)
    )


def _integer_conv2d(draw: Draw) -> str:
    groups = int(draw.rng.choice([1, 1, 1, 2, 3]))
    shape = draw.image(channels=draw.channels() * groups)
    window = draw.window(shape[1:3], dilated=True)
    kernel, outputs = window.pop("kernel"), draw.channels() * groups
    x = draw.activation_input("x", shape)
    weight = _int8_operand(draw, "weight", (outputs, *kernel, shape[3] // groups))
    zero_x = _zero_point(draw, "x_zero_point", ())
    zero_w = _zero_point(draw, "weight_zero_point", (outputs,) if draw.chance(0.5) else (1,))
    return draw.builder.integer_conv2d(x, zero_x, weight, zero_w, **window, groups=groups)


def _integer_matmul(draw: Draw) -> str:
    m, k, n = draw.integer(1, 20), draw.integer(1, 70), draw.channels()
    leading_a, leading_b = draw.broadcastable(tuple(draw.integer(1, 4) for _ in range(draw.integer(0, 2))))
    a = draw.activation_input("a", (*leading_a, m, k))
    b = _int8_operand(draw, "b", (*leading_b, k, n))
    zero_a = _zero_point(draw, "a_zero_point", ())
    zero_b = _zero_point(draw, "b_zero_point", (n,) if draw.chance(0.5) else ())
    return draw.builder.integer_matmul(a, zero_a, b, zero_b)


def _cast(draw: Draw) -> str:
    return draw.builder.cast(draw.any_input(draw.shape(0, 4)), draw.rng.choice(["int8", "int32", "int64", "float32"]))


def _integer_binary(draw: Draw) -> str:
    shape_a, shape_b = draw.broadcastable(draw.shape(0, 4))
    dtype, kind = str(draw.rng.choice(["int32", "int64"])), IntegerBinary(draw.integer(0, len(IntegerBinary) - 1))
    limits = np.iinfo(dtype)
    values = np.array([limits.min, limits.max, -7, -2, -1, 1, 2, 3, 10], dtype)
    b = draw.builder.constant(draw.rng.choice(values, shape_b), name="b")
    a = draw.builder.input("a", shape_a, dtype=dtype)
    divides = kind in (IntegerBinary.FLOOR_DIV, IntegerBinary.FLOOR_MOD)
    return draw.builder.integer_binary(kind, *((b, a) if draw.chance(0.3) and not divides else (a, b)))


def _gather_nd(draw: Draw) -> str:
    shape = draw.shape(1, 4)
    depth = draw.integer(1, len(shape))
    places = draw.shape(0, 2)
    indices = [draw.rng.integers(-n, n, places) for n in shape[:depth]]
    return draw.builder.gather_nd(
        draw.any_input(shape), np.stack(indices, -1).astype(draw.rng.choice(["int32", "int64"]))
    )


def _detection_postprocess(draw: Draw) -> str:
    """Few values, so that scores tie and boxes overlap."""
    anchors, classes = draw.integer(0, 60), draw.integer(1, 5)
    rng = draw.rng
    places = np.concatenate([rng.uniform(0, 1, (anchors, 2)), rng.uniform(0, 0.6, (anchors, 2))], axis=1)
    encodings = rng.choice([0.0, 1.0, -3.0, 700.0], (1, anchors, draw.integer(4, 6)), p=[0.5, 0.3, 0.19, 0.01])
    background = int(draw.chance(0.5))
    shape = (1, anchors, classes + background)
    scores = rng.choice(np.array([-np.inf, 0.0, 0.25, 0.5, 0.75, np.nan], np.float32), shape)
    *others, count = draw.builder.detection_postprocess(
        draw.builder.constant(encodings.astype(np.float32)),
        draw.builder.constant(scores) if draw.chance(0.5) else _float_input(draw, "scores", shape),
        places,
        classes=classes,
        max_detections=draw.integer(1, 30),
        classes_per_detection=draw.integer(1, 4),
        detections_per_class=draw.integer(1, 30),
        regular=draw.chance(0.5),
        score_threshold=float(rng.choice([-np.inf, 0.0, 0.25, 0.3])),
        overlap_threshold=float(rng.choice([0.1, 0.5, 1.0])),
    )
    for name in others:
        draw.builder.output(name)
    return count


def _lstm(draw: Draw) -> str:
    """Gates from nearly linear to saturated."""
    depth, units = draw.integer(1, 40), draw.integer(1, 24)
    x = draw.activation_input("x", (draw.integer(0, 3), draw.integer(0, 7), depth))
    scale, out_scale = float(draw.builder.tensor(x).scale or 1), float(np.float32(2.0 ** draw.rng.uniform(-9, -4)))
    reach = 2.0 ** draw.rng.uniform(-2, 3, (2, 4))
    return draw.builder.lstm(
        x,
        draw.int8((4, units, depth)),
        draw.int8((4, units, units)),
        draw.rng.integers(-20_000, 20_000, (4, units)),
        (reach[0] / (scale * 5000 * np.sqrt(depth))).tolist(),
        (reach[1] / (out_scale * 5000 * np.sqrt(units))).tolist(),
        out_scale,
        draw.zero_point(),
        cell_bits=draw.integer(0, 6),
        cell_clip=draw.integer(1, 32767) if draw.chance(0.3) else 0,
    )


FLOAT_MAKERS: dict[str, Callable[[Draw], str]] = {
    "float_conv2d": _float_conv2d,
    "float_depthwise_conv2d": _float_depthwise_conv2d,
    "float_transposed_conv2d": _float_transposed_conv2d,
    "float_matmul": _float_matmul,
    "float_binary": _float_binary,
    "float_unary": _float_unary,
    "float_pool2d": _float_pool2d,
    "float_reduce": _float_reduce,
    "float_softmax": _float_softmax,
    "float_resize_bilinear": _float_resize_bilinear,
    "float_prelu": _float_prelu,
    "gather": _gather,
    "dynamic_quantize": _dynamic_quantize,
    "integer_conv2d": _integer_conv2d,
    "integer_matmul": _integer_matmul,
    "cast": _cast,
    "integer_binary": _integer_binary,
    "gather_nd": _gather_nd,
    "lstm": _lstm,
    "detection_postprocess": _detection_postprocess,
}

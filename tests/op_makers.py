"""One function per op that adds the op, with random attributes and inputs, to a builder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from draw import Draw
from float_op_makers import FLOAT_MAKERS

from intaglio.opset import BY_NAME, Requant, Rounding


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
    k = draw.channels() if draw.chance(0.5) else draw.integer(1, 2000 if draw.chance(0.1) else 300)
    outputs = draw.channels()
    x = draw.activation_input("x", (*(draw.integer(1, 20) for _ in range(draw.integer(0, 2))), k))
    weights = draw.int8((outputs, k))
    return draw.builder.fully_connected(x, weights, **draw.result(x, weights))


def _batch_matmul(draw: Draw) -> str:
    m, k, n = draw.integer(1, 20), draw.integer(1, 70), draw.channels()
    leading_a, leading_b = draw.broadcastable(tuple(draw.integer(1, 4) for _ in range(draw.integer(0, 2))))
    constant = draw.integer(0, 3)
    a = draw.operand("a", (*leading_a, m, k), constant == 1)
    b = draw.operand("b", (*leading_b, k, n), constant == 2)
    parameters = draw.requantization(74 * 74 * float(np.sqrt(k)))
    return draw.builder.batch_matmul(
        a, b, draw.scale(), draw.zero_point(), activation=draw.clamp(), requantization=parameters
    )


def _operands(draw: Draw) -> tuple[str, str]:
    shape = draw.shape(0, 4) if draw.chance(0.6) else draw.image()
    shape_a, shape_b = draw.broadcastable(shape)
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
    shape_a, shape_b = draw.broadcastable(draw.shape(0, 4))
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
    return {"x": x, **draw.pool_window(shape[1:3]), "activation": draw.clamp()}


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
    parameters = draw.requantization(74 * float(np.sqrt(max(count, 1))))
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
    shape = draw.shape(1, 4) if draw.chance(0.7) else (*draw.shape(0, 2), draw.channels())
    x = draw.activation_input("x", shape) if draw.chance(0.5) else draw.builder.input("x", shape, dtype="float32")
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


MAKERS: dict[str, Callable[[Draw], str]] = {name: FLOAT_MAKERS.get(name) or globals()[f"_{name}"] for name in BY_NAME}

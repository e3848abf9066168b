"""`intaglio.ops`: each function equals the oracle on the graph it stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import intaglio
from intaglio import Builder, cpu, ops, reference
from intaglio.errors import DTypeError, IsaError, ShapeError

RNG = np.random.default_rng(7)
Q, R, Y = (0.02, -5), (0.05, 17), (0.4, 3)
UNIT = (1.0, 0)


def int8(*shape: int) -> NDArray[np.int8]:
    return RNG.integers(-128, 128, shape, np.int8)


def oracle(make: Callable[..., str], arrays: Sequence[NDArray[Any]], *quantizations: Any) -> NDArray[Any]:
    b = Builder()
    pairs = enumerate(zip(arrays, quantizations, strict=True))
    names = [b.input(f"i{n}", a.shape, *q, dtype=a.dtype) for n, (a, q) in pairs]
    b.output(make(b, *names))
    results = reference.run(b.build(), dict(zip(names, arrays, strict=True)))
    return next(iter(results.values()))


X, IMAGE = int8(5, 19), int8(2, 7, 6, 4)
REAL = X / np.float32(8)
KERNEL, PER_CHANNEL, BIAS = int8(6, 3, 3, 4), RNG.uniform(0.001, 0.02, 6), RNG.integers(-900, 900, 6)

CASES: list[tuple[str, Callable[[], NDArray[Any]], Callable[..., str], Sequence[NDArray[Any]], Sequence[Any]]] = [
    (
        "gemm",
        lambda: ops.gemm(X, KERNEL.reshape(-1)[: 19 * 6].reshape(19, 6), BIAS, a_q=Q, b_scale=PER_CHANNEL, y_q=Y),
        lambda b, x: b.fully_connected(x, KERNEL.reshape(-1)[: 19 * 6].reshape(19, 6).T, PER_CHANNEL, BIAS, *Y),
        [X],
        [Q],
    ),
    (
        "conv2d",
        lambda: ops.conv2d(IMAGE, KERNEL, BIAS, x_q=Q, weight_scale=PER_CHANNEL, y_q=Y, stride=2, padding="same"),
        lambda b, x: b.conv2d(x, KERNEL, PER_CHANNEL, BIAS, *Y, stride=2, padding="same"),
        [IMAGE],
        [Q],
    ),
    (
        "depthwise_conv2d",
        lambda: ops.depthwise_conv2d(IMAGE, KERNEL[0], x_q=Q, weight_scale=0.01, y_q=Y, activation="relu"),
        lambda b, x: b.depthwise_conv2d(x, KERNEL[0], 0.01, None, *Y, activation="relu"),
        [IMAGE],
        [Q],
    ),
    (
        "transposed_conv2d",
        lambda: ops.transposed_conv2d(IMAGE, KERNEL, x_q=Q, weight_scale=0.01, y_q=Y, stride=2, weight_zero_point=3),
        lambda b, x: b.transposed_conv2d(x, KERNEL, 0.01, None, *Y, stride=2, weight_zero_point=3),
        [IMAGE],
        [Q],
    ),
    (
        "batch_matmul",
        lambda: ops.batch_matmul(X, X, a_q=Q, b_q=R, y_q=Y, adjoint_b=True),
        lambda b, x, y: b.batch_matmul(x, y, *Y, adjoint_b=True),
        [X, X],
        [Q, R],
    ),
    *(
        (
            name,
            lambda name=name: getattr(ops, name)(X, X[:1], a_q=Q, b_q=R, y_q=Y),
            lambda b, x, y, name=name: getattr(b, name)(x, y, *Y),
            [X, X[:1]],
            [Q, R],
        )
        for name in ("add", "sub", "mul")
    ),
    ("maximum", lambda: ops.maximum(X, X[::-1]), lambda b, x, y: b.maximum(x, y), [X, X[::-1]], [UNIT, UNIT]),
    ("minimum", lambda: ops.minimum(X, X[::-1]), lambda b, x, y: b.minimum(x, y), [X, X[::-1]], [UNIT, UNIT]),
    ("unary", lambda: ops.unary("gelu", X, x_q=Q, y_q=Y), lambda b, x: b.unary("gelu", x, *Y), [X], [Q]),
    ("requantize", lambda: ops.requantize(X, x_q=Q, y_q=Y), lambda b, x: b.requantize(x, *Y), [X], [Q]),
    ("dequantize", lambda: ops.dequantize(X, x_q=Q), lambda b, x: b.dequantize(x), [X], [Q]),
    (
        "max_pool2d",
        lambda: ops.max_pool2d(IMAGE, 3, stride=1, padding="same"),
        lambda b, x: b.max_pool2d(x, 3, stride=1, padding="same"),
        [IMAGE],
        [UNIT],
    ),
    ("average_pool2d", lambda: ops.average_pool2d(IMAGE, 2), lambda b, x: b.average_pool2d(x, 2), [IMAGE], [UNIT]),
    ("mean", lambda: ops.mean(IMAGE, (1, 2), x_q=Q, y_q=R), lambda b, x: b.mean(x, (1, 2), *R), [IMAGE], [Q]),
    ("softmax", lambda: ops.softmax(X, x_q=Q, beta=2.0), lambda b, x: b.softmax(x, beta=2.0), [X], [Q]),
    ("arg_max", lambda: ops.arg_max(X), lambda b, x: b.arg_max(x), [X], [UNIT]),
    ("arg_max", lambda: ops.arg_max(REAL), lambda b, x: b.arg_max(x), [REAL], [()]),
    ("arg_min", lambda: ops.arg_min(X, 0), lambda b, x: b.arg_min(x, 0), [X], [UNIT]),
    ("transpose", lambda: ops.transpose(X), lambda b, x: b.transpose(x), [X], [UNIT]),
    ("pad", lambda: ops.pad(X, [(1, 0), (0, 2)], 9), lambda b, x: b.pad(x, [(1, 0), (0, 2)], 9), [X], [UNIT]),
    ("concat", lambda: ops.concat([X, X], 0), lambda b, x, y: b.concat([x, y], 0), [X, X], [UNIT, UNIT]),
    ("resize_nearest", lambda: ops.resize_nearest(IMAGE, 9), lambda b, x: b.resize_nearest(x, 9), [IMAGE], [UNIT]),
    ("resize_bilinear", lambda: ops.resize_bilinear(IMAGE, 9), lambda b, x: b.resize_bilinear(x, 9), [IMAGE], [UNIT]),
    ("depth_to_space", lambda: ops.depth_to_space(IMAGE, 2), lambda b, x: b.depth_to_space(x, 2), [IMAGE], [UNIT]),
    (
        "space_to_depth",
        lambda: ops.space_to_depth(IMAGE[:, :6], 2),
        lambda b, x: b.space_to_depth(x, 2),
        [IMAGE[:, :6]],
        [UNIT],
    ),
]


@pytest.mark.parametrize(("call", "make", "arrays", "quantizations"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_equals_the_oracle(call: Any, make: Any, arrays: Any, quantizations: Any) -> None:
    np.testing.assert_array_equal(call(), oracle(make, arrays, *quantizations), strict=True)


def test_every_function_is_covered() -> None:
    functions = {name for name, value in vars(ops).items() if callable(value) and value.__module__ == ops.__name__}
    covered = {case[0] for case in CASES} | {"quantize", "fully_connected"}
    assert {name for name in functions if name[0] != "_" and name != "Engine"} == covered


def test_quantize_and_back() -> None:
    x = RNG.normal(size=(4, 5)).astype(np.float32)
    assert np.abs(ops.dequantize(ops.quantize(x, y_q=(0.05, 2)), x_q=(0.05, 2)) - x).max() <= 0.0251


def test_uint8_is_int8_shifted_by_128() -> None:
    x = X.view(np.uint8) ^ 0x80
    plain = ops.add(X, X, a_q=(0.1, -3), b_q=(0.1, -3), y_q=(0.2, 5))
    shifted = ops.add(x, x, a_q=(0.1, 125), b_q=(0.1, 125), y_q=(0.2, 133))
    np.testing.assert_array_equal(shifted, plain.view(np.uint8) ^ 0x80, strict=True)
    assert ops.pad(x, [(0, 0), (1, 0)], 200)[0, 0] == 200
    assert ops.softmax(x, x_q=(0.1, 125)).dtype == np.uint8


@pytest.mark.parametrize("isa", cpu.tiers())
@pytest.mark.parametrize("requant", ["float32", "fixed"])
def test_options_reach_the_engine(isa: str, requant: Any) -> None:
    options: Any = {"a_q": Q, "b_q": R, "y_q": Y, "requant": requant}
    np.testing.assert_array_equal(ops.mul(X, X, **options, isa=isa, threads=1), ops.mul(X, X, **options))


def test_mistakes() -> None:
    with pytest.raises(DTypeError, match="argument 0: expected int8, uint8 or float32, got int32"):
        ops.requantize(X.astype(np.int32), x_q=Q, y_q=Y)
    with pytest.raises(ShapeError, match="broadcast"):
        ops.add(X, X[:2], a_q=Q, b_q=Q, y_q=Y)
    with pytest.raises(IsaError):
        ops.transpose(X, isa="abacus")
    assert issubclass(IsaError, intaglio.Error)

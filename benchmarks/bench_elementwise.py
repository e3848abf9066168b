"""Ops without products in int8, and the same work in float32 by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import data
import intaglio
from intaglio import Builder

SHAPE = (1, 56, 56, 64)
SCALE = 0.05
Floats = NDArray[np.float32]


def softmax(x: Floats) -> Any:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def max_pool(x: Floats) -> Any:
    return x.reshape(1, 28, 2, 28, 2, 64).max(axis=(2, 4))


#: Name: how the Builder makes it from one input, and what NumPy does for it.
OPS: dict[str, tuple[Callable[[Builder, str], str], Callable[[Floats], Any]]] = {
    "add": (lambda b, x: b.add(x, x, 2 * SCALE, 0), lambda x: x + x),
    "mul": (lambda b, x: b.mul(x, x, 4 * SCALE, 0), lambda x: x * x),
    "sigmoid": (lambda b, x: b.unary("sigmoid", x, 1 / 256, -128), lambda x: 1 / (1 + np.exp(-x))),
    "softmax": (lambda b, x: b.softmax(x), softmax),
    "max pool 2x2": (lambda b, x: b.max_pool2d(x, 2), max_pool),
    "mean": (lambda b, x: b.mean(x, (1, 2), SCALE, 0), lambda x: x.mean(axis=(1, 2))),
    "transpose": (
        lambda b, x: b.transpose(x, (0, 3, 1, 2)),
        lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
    ),
}

ops = pytest.mark.parametrize("name", OPS)


@ops
def bench_intaglio(benchmark: Any, name: str) -> None:
    benchmark.group = f"{name} of 56x56x64"
    builder = Builder()
    x = builder.input("x", SHAPE, scale=SCALE)
    builder.output(OPS[name][0](builder, x))
    model = intaglio.load(builder.build(), threads=1)
    benchmark(model, data.random_array(SHAPE, np.int8))


@ops
def bench_numpy_float32(benchmark: Any, name: str) -> None:
    benchmark.group = f"{name} of 56x56x64"
    benchmark(OPS[name][1], data.random_array(SHAPE, np.float32))

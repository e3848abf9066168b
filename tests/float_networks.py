"""Small float networks and their data, for the tests of calibration and comparison."""

from __future__ import annotations

import numpy as np

from intaglio import Builder, Graph
from intaglio.opset import FloatBinary, FloatUnary

SHAPE = (6, 6, 3)


def residual(seed: int = 0) -> Graph:
    """Two convolutions, of which the second adds to the first, and a classifier of 4 classes."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    builder = Builder()
    x = builder.input("x", (1, *SHAPE), dtype="float32")
    first = builder.float_conv2d(x, normal(8, 3, 3, 3), normal(8), padding="same", activation="relu", name="first")
    second = builder.float_conv2d(first, normal(8, 3, 3, 8), padding="same", name="second")
    total = builder.float_binary(FloatBinary.ADD, first, second, name="total")
    flat = builder.reshape(total, (1, 288), name="flat")
    builder.output(builder.float_matmul(flat, normal(288, 4), name="scores"))
    return builder.build()


def logarithm() -> Graph:
    """NaN for negative numbers."""
    builder = Builder()
    x = builder.input("x", (1, 3), dtype="float32")
    builder.output(builder.float_unary(FloatUnary.LOG, x, name="log"))
    return builder.build()


def pair() -> Graph:
    """The sum of two inputs."""
    builder = Builder()
    a, b = (builder.input(name, (1, 3), dtype="float32") for name in "ab")
    builder.output(builder.float_binary(FloatBinary.ADD, a, b, name="sum"))
    return builder.build()


def pictures(count: int, seed: int = 1) -> np.ndarray:
    """Random inputs of `residual`."""
    return np.random.default_rng(seed).standard_normal((count, *SHAPE)).astype(np.float32)

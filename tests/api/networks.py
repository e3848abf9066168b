"""Small networks that the tests of the API share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio import reference
from intaglio.builder import Builder
from intaglio.graph import Graph

SAMPLE = (1, 8, 8, 4)


def small(port: str = "int8", leading: int = 1) -> Graph:
    """Convolution, pooling and a fully connected layer: x [leading, 8, 8, 4] to y [leading, 5]."""
    rng = np.random.default_rng(7)
    b = Builder()
    x = b.input("x", (leading, *SAMPLE[1:]), 0.05, 131 if port == "uint8" else 3, dtype=port)
    weights = rng.integers(-128, 128, (8, 3, 3, 4), np.int8)
    y = b.conv2d(x, weights, 0.01, rng.integers(-99, 99, 8, np.int32), 0.2, -5, padding="same", activation="relu")
    y = b.reshape(b.average_pool2d(y, (8, 8)), (leading, 8))
    y = b.fully_connected(y, rng.integers(-128, 128, (5, 8), np.int8), 0.02, np.zeros(5, np.int32), 0.1, 7, name="y")
    b.output(y, dtype=port)
    return b.build()


def wide(channels: int = 64) -> Graph:
    """Convolutions that are worth several threads: x [1, 24, 24, channels] to y, 2 x 21 MMAC for 64 channels."""
    rng = np.random.default_rng(8)
    b = Builder()
    y = b.input("x", (1, 24, 24, channels), 0.05, 3)
    for _ in range(2):
        weights = rng.integers(-128, 128, (channels, 3, 3, channels), np.int8)
        y = b.conv2d(y, weights, 0.003, None, 0.2, -5, padding="same")
    b.output(y)
    return b.build()


def two_in_two_out() -> Graph:
    """a, b [1, 6] to their sum and the larger of them."""
    b = Builder()
    first, second = (b.input(name, (1, 6), 0.5, -3) for name in ("a", "b"))
    b.output(b.add(first, second, 1.0, 4, name="sum"))
    b.output(b.maximum(first, second, name="larger"))
    return b.build()


def samples(count: int, shape: tuple[int, ...] = SAMPLE[1:], dtype: Any = np.int8) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    return np.random.default_rng(count).integers(limits.min, limits.max, (count, *shape), dtype, endpoint=True)


def oracle(graph: Graph, x: NDArray[Any]) -> NDArray[Any]:
    """Of a network with one input and one output, sample by sample."""
    (port,) = graph.inputs
    return np.concatenate([next(iter(reference.run(graph, {port.tensor: one[None]}).values())) for one in x])

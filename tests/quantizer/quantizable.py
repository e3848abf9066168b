"""Small float networks for the tests of quantization, and how well another one follows them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import intaglio
from intaglio import Builder
from intaglio.graph import Graph
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary

SHAPE = (1, 12, 12, 3)


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> NDArray[np.float32]:
    return (rng.normal(size=shape) * scale).astype(np.float32)


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return normal(np.random.default_rng(seed), count, *SHAPE[1:])


def residual() -> Graph:
    """Convolutions, a residual addition, a concatenation of two pools, a classifier with softmax."""
    rng = np.random.default_rng(1)
    b = Builder()
    x = b.input("x", SHAPE, dtype="float32")
    x = b.float_conv2d(
        x, normal(rng, 8, 3, 3, 3, scale=0.3), normal(rng, 8), padding="same", activation="relu", name="a"
    )
    y = b.float_conv2d(x, normal(rng, 8, 3, 3, 8, scale=0.2), normal(rng, 8), padding="same", name="b")
    x = b.float_unary(FloatUnary.CLIP, b.float_binary(FloatBinary.ADD, x, y, name="sum"), (0.0, np.inf), name="relu")
    pools = [b.float_pool2d(kind, x, 2, name=kind.name.lower()) for kind in (FloatPool.MAX, FloatPool.AVERAGE)]
    x = b.concat(pools, -1, name="both")
    x = b.float_reduce(FloatReduce.MEAN, x, (1, 2), name="mean")
    x = b.float_matmul(x, normal(rng, 16, 5, scale=0.2), normal(rng, 5), name="logits")
    b.output(b.float_softmax(x, name="y"))
    return b.build()


def skewed(spread: float = 5.0) -> Graph:
    """A separable block whose channels differ in size by up to ``2^spread`` each way, though their effect does not."""
    rng = np.random.default_rng(2)
    up, across = (2.0 ** rng.uniform(-spread, spread, 16) for _ in range(2))
    first, bias = normal(rng, 16, 3, 3, 3, scale=0.3), normal(rng, 16)
    depthwise, second = normal(rng, 3, 3, 16, scale=0.4), normal(rng, 10, 1, 1, 16, scale=0.3)
    b = Builder()
    x = b.input("x", SHAPE, dtype="float32")
    x = b.float_conv2d(x, first * up[:, None, None, None], bias * up, padding="same", activation="relu", name="first")
    x = b.float_depthwise_conv2d(x, depthwise * across / up, padding="same", activation="relu", name="depthwise")
    x = b.float_conv2d(x, second / across, normal(rng, 10), name="second")
    b.output(b.float_reduce(FloatReduce.MEAN, x, (1, 2), name="y"))
    return b.build()


def sqnr(graph: Graph, quantized: Graph, seed: int = 9) -> float:
    """Signal over error of the outputs, in dB."""
    x = images(40, seed)
    expected, result = (intaglio.load(g)(x) for g in (graph, quantized))
    return float(10 * np.log10((expected**2).sum() / ((expected - result) ** 2).sum()))

"""Large layers are split into parts, at places that are a multiple of nothing, and give the same bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from agreement import expect_oracle

import intaglio
from intaglio.builder import Builder

SHAPE = (3, 65, 67, 83)
Maker = Callable[[Builder, str], str]


def _table() -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    return np.random.default_rng(1).permutation(np.arange(-128, 128, dtype=np.int8))


MAKERS: dict[str, Maker] = {
    "add": lambda b, x: b.add(x, x, 0.2, 5),
    "add a row": lambda b, x: b.add(x, b.input("row", (67, 1), 0.1, 3), 0.2, 5),
    "sub from one value": lambda b, x: b.sub(b.input("value", (1,), 0.1, 3), x, 0.2, 5),
    "mul by channel": lambda b, x: b.mul(x, b.input("channel", (83,), 0.1, 3), 0.5, 5),
    "maximum": lambda b, x: b.maximum(x, x),
    "lookup": lambda b, x: b.lookup(x, _table(), 0.1, 3),
    "max_pool2d": lambda b, x: b.max_pool2d(x, 3, stride=2, padding="same"),
    "average_pool2d": lambda b, x: b.average_pool2d(x, 3, stride=1, padding="same"),
    "mean of channels": lambda b, x: b.mean(x, (2,), 0.01, 3),
    "mean of runs": lambda b, x: b.mean(x, (3,), 0.01, 3),
    "softmax": lambda b, x: b.softmax(x),
    "arg_max": lambda b, x: b.arg_max(x, 3),
    "arg_min": lambda b, x: b.arg_min(x, 1),
    "transpose": lambda b, x: b.transpose(x, (3, 1, 0, 2)),
    "transpose runs": lambda b, x: b.transpose(x, (2, 1, 0, 3)),
    "slice": lambda b, x: b.strided_slice(x, (0, 64, 0, 82), (3, None, 67, None), (1, -1, 1, -1)),
    "pad": lambda b, x: b.pad(x, [(0, 0), (1, 2), (3, 4), (5, 6)], -7),
    "concat": lambda b, x: b.concat([x, x], 2),
    "broadcast_to": lambda b, x: b.broadcast_to(x, (7, *SHAPE)),
    "resize_nearest": lambda b, x: b.resize_nearest(x, (97, 55)),
    "resize_bilinear": lambda b, x: b.resize_bilinear(x, (97, 55)),
    "quantize": lambda b, x: b.quantize(b.input("real", SHAPE, dtype="float32"), 0.1, 3),
    "dequantize": lambda b, x: b.dequantize(x),
}


@pytest.mark.parametrize("name", MAKERS)
def test_parts_give_the_same_bits(name: str, isa: str) -> None:
    rng = np.random.default_rng(2)
    b = Builder()
    b.output(MAKERS[name](b, b.input("x", SHAPE, 0.1, 3)))
    graph = b.build()
    inputs = {
        tensor.name: rng.normal(0, 9, tensor.shape).astype(np.float32)
        if tensor.dtype == np.float32
        else rng.integers(-128, 128, tensor.shape, np.int8)
        for tensor in graph.input_tensors
    }
    expect_oracle(graph, inputs, isa, threads=3)
    model = intaglio.load(graph, isa=isa, threads=3)
    assert max(step.threads for step in model.plan()) == 3


def test_layers_of_few_parts_and_of_many_one_after_another(isa: str) -> None:
    """Memory that parts keep from layer to layer has room for the largest, and nothing else lies there meanwhile."""
    rng = np.random.default_rng(3)

    def weights(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
        return rng.integers(-20, 21, shape, np.int8)

    b = Builder()
    shape = (1, 16, 24, 128)
    y = b.depthwise_conv2d(b.input("x", shape, 0.1, 3), weights(3, 3, 128), 0.1, None, 0.36, 3, padding="same")
    scale = 0.36
    for channels, size in ((56, 1), (64, 3), (64, 3), (128, 1)):
        kernel = weights(channels, size, size, b.tensor(y).shape[3])
        scale *= 0.12 * kernel[0].size ** 0.5
        y = b.conv2d(y, kernel, 0.01, None, scale, 3, padding="same")
    b.output(b.depthwise_conv2d(y, weights(3, 3, 128), 0.1, None, 3.6 * scale, 3, padding="same"))
    graph = b.build()
    expect_oracle(graph, {"x": rng.integers(-128, 128, shape, np.int8)}, isa, threads=3)
    assert {step.threads for step in intaglio.load(graph, isa=isa, threads=3).plan()} >= {2, 3}

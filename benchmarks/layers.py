"""Single layers as Intaglio networks with random weights and plausible scales."""

from __future__ import annotations

import numpy as np

import intaglio
from shapes import Convolution

_SCALE = 0.05


def convolution(layer: Convolution) -> intaglio.Graph:
    """int8 [1,H,W,C] in, int8 out."""
    rng = np.random.default_rng(0)
    builder = intaglio.Builder()
    x = builder.input("x", (1, layer.size, layer.size, layer.inputs), scale=_SCALE)
    kernel = (layer.kernel, layer.kernel)
    shape = (*kernel, layer.outputs) if layer.depthwise else (layer.outputs, *kernel, layer.inputs)
    add = builder.depthwise_conv2d if layer.depthwise else builder.conv2d
    y = add(
        x,
        rng.integers(-127, 128, shape, dtype=np.int8),
        np.full(layer.outputs, 0.01),
        rng.integers(-1000, 1000, layer.outputs, dtype=np.int32),
        _SCALE * 20,
        0,
        stride=layer.stride,
        padding=layer.padding,
    )
    builder.output(y)
    return builder.build()


def fully_connected(rows: int, inputs: int, outputs: int) -> intaglio.Graph:
    """int8 [rows, inputs] in, int8 [rows, outputs] out."""
    rng = np.random.default_rng(0)
    builder = intaglio.Builder()
    x = builder.input("x", (rows, inputs), scale=_SCALE)
    weight = rng.integers(-127, 128, (outputs, inputs), dtype=np.int8)
    bias = rng.integers(-1000, 1000, outputs, dtype=np.int32)
    builder.output(builder.fully_connected(x, weight, np.full(outputs, 0.01), bias, _SCALE * 20, 0))
    return builder.build()

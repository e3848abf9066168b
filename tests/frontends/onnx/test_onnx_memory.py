"""Memory while a network is read: quantized weights are bytes from the file to the engine."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

from onnx_networks import network, node
from test_onnx_quantized import int8_weights, quantize

import intaglio
from intaglio.graph import Graph


def layers(kernel: int, channels: int, count: int) -> tuple[bytes, int]:
    """Convolutions between pairs, and the bytes of their weights."""
    constants: dict[str, Any] = {}
    nodes = quantize("x", "x_0", 0.02, 128, "uint8", constants)
    for i in range(count):
        nodes.append(int8_weights(f"w_{i}", (channels, channels, kernel, kernel), 0, constants))
        nodes.append(node("Conv", f"x_{i} w_{i}", f"y_{i}", pads=[kernel // 2] * 4))
        nodes += quantize(f"y_{i}", f"x_{i + 1}", 0.02, 128, "uint8", constants)
    data = network(nodes, {"x": [1, channels, 8, 8]}, constants, outputs=f"x_{count}")
    return data, count * constants["w_0_q"].nbytes


def matrices(count: int) -> tuple[bytes, int]:
    """Matrix products between pairs, with weights that the file has transposed."""
    constants: dict[str, Any] = {}
    nodes = quantize("x", "x_0", 0.02, 128, "uint8", constants)
    for i in range(count):
        nodes.append(int8_weights(f"w_{i}", (512, 512), 0, constants))
        nodes.append(node("Gemm", f"x_{i} w_{i}", f"y_{i}", transB=1))
        nodes += quantize(f"y_{i}", f"x_{i + 1}", 0.02, 128, "uint8", constants)
    data = network(nodes, {"x": [1, 512]}, constants, outputs=f"x_{count}")
    return data, count * constants["w_0_q"].nbytes


def peak(make: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy held at once beyond those before."""
    make()  # what is imported and compiled once
    tracemalloc.start()
    try:
        make()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("make", "copies"),
    [(lambda: layers(3, 128, 20), 1.25), (lambda: layers(1, 512, 12), 0.25), (lambda: matrices(12), 0.25)],
    ids=["3x3", "1x1", "matrices"],
)
@pytest.mark.parametrize("use", [intaglio.convert, intaglio.load])
def test_weights_stay_bytes(
    make: Callable[[], tuple[bytes, int]], copies: float, use: Callable[[bytes], object]
) -> None:
    """One copy where the engine wants another layout than the file has, none where it is the same."""
    data, weights = make()
    assert peak(lambda: use(data)) < copies * weights


def test_floats_are_made_where_they_are_read() -> None:
    """Weights of a layer that stays float: dequantized in the graph, and equal to what the file says."""
    constants: dict[str, Any] = {}
    nodes = [int8_weights("w", (4, 3, 3, 3), 0, constants), node("Conv", "x w")]
    graph: Graph = intaglio.convert(network(nodes, {"x": [1, 3, 6, 6]}, constants))
    (weight,) = (t for t in graph.tensors.values() if t.shape == (4, 3, 3, 3))
    expected = constants["w_q"] * constants["w_scale"].reshape(4, 1, 1, 1)
    np.testing.assert_array_equal(weight.data, expected.transpose(0, 2, 3, 1))

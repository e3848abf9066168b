"""Depthwise convolution equals the oracle on every tier, whatever way the engine cuts it up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from agreement import Mode, expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

import intaglio
from intaglio.builder import Builder
from intaglio.errors import Error, ModelFormatError, QuantizationError, ShapeError
from intaglio.graph import Graph
from intaglio.quantization import Requantization

MODES: list[Mode] = ["float32", "fixed"]
IMAGE = (1, 5, 6, 4)


def int8(seed: int, *shape: int) -> NDArray[np.int8]:
    """Full-range values."""
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def depthwise(
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    multiplier: int = 1,
    mode: Mode = "float32",
    **arguments: Any,
) -> Graph:
    """One layer, called "it", whose outputs spread over int8."""
    channels = shape[3] * multiplier
    b = Builder(requant=mode)
    weights = int8(channels, *kernel, channels)
    scales = np.linspace(0.001, 0.02, channels)
    bias = np.arange(channels) * 30 - 15 * channels
    out_scale = 0.02 * 0.01 * 74 * 74 * (kernel[0] * kernel[1]) ** 0.5 / 40
    x = b.input("x", shape, 0.02, -77)
    b.output(b.depthwise_conv2d(x, weights, scales, bias, out_scale, 12, name="it", **arguments))
    return b.build()


def expect_layer(
    isa: str, shape: tuple[int, int, int, int], kernel: tuple[int, int], threads: int = 1, **arguments: Any
) -> None:
    expect_oracle(depthwise(shape, kernel, **arguments), {"x": int8(1, *shape)}, isa, threads)


@random_graphs
@given(case=graphs("depthwise_conv2d"))
def test_random(isa: str, case: tuple[Graph, dict[str, NDArray[Any]]]) -> None:
    expect_oracle(*case, isa)


@random_graphs
@given(data=st.data())
def test_random_sizes(isa: str, data: st.DataObject) -> None:
    """Larger than random graphs are, so that rows, columns and channels are cut into several pieces."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))

    def integer(low: int, high: int) -> int:
        return int(rng.integers(low, high, endpoint=True))

    kernel = integer(1, 7), integer(1, 7)
    height, width = (1 if rng.random() < 0.1 else integer(8, 40) for _ in range(2))
    channels = int(rng.choice([1, 8, 24, 33, 64, 72, 96, 100, 128, 144, 200, 320]))
    expect_layer(
        isa,
        (integer(1, 2), height, width, channels),
        kernel,
        multiplier=integer(2, 9) if rng.random() < 0.2 else 1,
        mode=MODES[integer(0, 1)],
        stride=(integer(1, 3), integer(1, 3)),
        dilation=(integer(1, 2), integer(1, 2)),
        padding="same" if rng.random() < 0.5 else tuple(integer(6, 14) for _ in range(4)),
        weight_zero_point=integer(-128, 127) if rng.random() < 0.3 else 0,
        threads=integer(1, 2),
    )


@pytest.mark.parametrize("channels", [1, 3, 8, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 100, 127, 128, 129, 200])
def test_every_number_of_sites(channels: int, isa: str) -> None:
    """Chunks of channels that are whole, cut, or run on into the next column; columns in every group of sites."""
    for width in range(1, 10):
        expect_layer(isa, (1, 3, width, channels), (3, 3), padding="same")
        expect_layer(isa, (1, 4, width, channels), (2, 1), mode="fixed", weight_zero_point=100)


@pytest.mark.parametrize("weight_zero_point", [0, -1])
@pytest.mark.parametrize("kernel", range(1, 17))
def test_every_height_of_kernel(kernel: int, weight_zero_point: int, isa: str) -> None:
    """Every place that a window may have in its groups of rows."""
    for stride in range(1, 6):
        window: dict[str, Any] = {"stride": (stride, 1), "padding": "same", "weight_zero_point": weight_zero_point}
        expect_layer(isa, (1, 23, 1, 64), (kernel, 1), **window)
        expect_layer(isa, (1, 23, 2, 5), (kernel, 2), **window)


@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1), (2, 2, 2, 2), (1, 0, 2, 0)])
@pytest.mark.parametrize("stride", [1, 2])
def test_windows_that_slide(stride: int, padding: tuple[int, int, int, int], isa: str) -> None:
    """3x3 windows: chunks of channels that overlap, halves of chunks, chunks of several columns, all with odd and even
    sizes, clamps and none.
    """
    many = ((3, 3, 64), (5, 6, 80), (4, 8, 96), (4, 7, 113), (5, 4, 127), (6, 9, 128), (3, 5, 144), (9, 6, 180))
    few = ((3, 70, 1), (4, 40, 2), (5, 21, 4), (3, 10, 8), (6, 31, 8), (4, 7, 16), (5, 24, 16), (4, 4, 32), (7, 13, 32))
    for height, width, channels in (*many, *few):
        shape = (2, height, width, channels)
        for activation in (None, "relu", (-100, 90)):
            expect_layer(isa, shape, (3, 3), 2, stride=stride, padding=padding, activation=activation)


def test_which_windows_slide() -> None:
    """Where the CPU has the kernel, and for those layers only."""
    if "avx512vnni" not in intaglio.cpu.tiers():
        pytest.skip("this CPU has no AVX512-VNNI: no tier slides")

    def slides(graph: Graph) -> bool:
        (step,) = intaglio.load(graph, isa="avx512vnni").plan()
        return "registers" in step.reason

    assert slides(depthwise((1, 8, 8, 64), (3, 3), padding="same"))
    assert slides(depthwise((1, 8, 8, 100), (3, 3), stride=2))
    assert slides(depthwise((1, 8, 8, 120), (3, 3)))
    assert slides(depthwise((1, 8, 8, 32), (3, 3)))
    assert slides(depthwise((1, 8, 8, 144), (3, 3)))
    assert not slides(depthwise((1, 8, 8, 80), (3, 3)))
    assert not slides(depthwise((1, 8, 8, 48), (3, 3), stride=2))
    assert not slides(depthwise((1, 8, 8, 100), (3, 3)))
    assert slides(depthwise((1, 8, 8, 16), (3, 3)))
    assert not slides(depthwise((1, 8, 5, 16), (3, 3)))
    assert not slides(depthwise((1, 8, 20, 16), (3, 3), stride=2))
    assert not slides(depthwise((1, 8, 8, 63), (3, 3)))
    assert not slides(depthwise((1, 8, 8, 64), (5, 5)))
    assert not slides(depthwise((1, 8, 8, 64), (3, 3), dilation=2))
    assert not slides(depthwise((1, 8, 8, 64), (3, 3), multiplier=2))
    assert not slides(depthwise((1, 8, 8, 64), (3, 3), mode="fixed"))


LAYERS: dict[str, tuple[tuple[int, int, int, int], tuple[int, int], dict[str, Any]]] = {
    "keyword spotting": ((1, 25, 5, 64), (3, 3), {"padding": "same"}),
    "first of micro speech": ((1, 49, 40, 1), (10, 8), {"stride": 2, "padding": "same", "multiplier": 8}),
    "streaming": ((1, 30, 1, 128), (15, 1), {}),
    "along a row": ((1, 1, 300, 64), (1, 9), {"stride": 3}),
    "rows on their own": ((2, 6, 50, 48), (1, 5), {"padding": (0, 1, 0, 3)}),
    "wide": ((1, 4, 400, 24), (3, 3), {"padding": "same"}),
    "wide stride 2": ((1, 5, 401, 40), (3, 3), {"stride": 2, "padding": "same"}),
    "112x112x96 stride 2": ((1, 112, 112, 96), (3, 3), {"stride": 2, "padding": (0, 0, 1, 1)}),
    "56x56x144": ((1, 56, 56, 144), (3, 3), {"padding": "same"}),
    "14x14x672 5x5": ((1, 14, 14, 672), (5, 5), {"padding": "same"}),
    "7x7x960": ((3, 7, 7, 960), (3, 3), {"padding": "same"}),
    "7x7 kernel": ((1, 14, 14, 96), (7, 7), {"padding": "same"}),
    "dilated": ((1, 20, 21, 64), (3, 3), {"dilation": (2, 3), "padding": "same"}),
    "dilated with strides": ((1, 20, 21, 24), (3, 3), {"dilation": (2, 4), "stride": (4, 6), "padding": "same"}),
    "stride beyond the kernel": ((1, 20, 21, 20), (2, 2), {"stride": (5, 4)}),
    "windows outside": ((1, 2, 2, 70), (2, 2), {"padding": (5, 4, 3, 6)}),
    "multiplier beyond a chunk": ((1, 6, 5, 2), (3, 3), {"multiplier": 75, "padding": "same"}),
    "multiplier within a chunk": ((1, 9, 8, 50), (3, 3), {"multiplier": 3, "padding": "same"}),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("weight_zero_point", [0, 9])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_of_networks(layer: str, weight_zero_point: int, threads: int, isa: str) -> None:
    shape, kernel, arguments = LAYERS[layer]
    expect_layer(isa, shape, kernel, threads, weight_zero_point=weight_zero_point, **arguments)


def test_nothing_is_written_behind_the_last_row(isa: str) -> None:
    """Rows are done in pairs, and there is an odd one; what lies behind the output is needed afterwards."""
    shape = (1, 7, 9, 64)
    b = Builder()
    y = b.depthwise_conv2d(b.input("x", shape, 0.02, 3), int8(2, 3, 3, 64), 0.01, None, 0.3, -5, padding="same")
    b.output(b.add(y, b.input("row", shape[2:], 0.3, 1), 0.4, 2))
    expect_oracle(b.build(), {"x": int8(3, *shape), "row": int8(4, *shape[2:])}, isa)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weight", [-128, 127])
@pytest.mark.parametrize("x", [-128, 127])
def test_largest_accumulators(x: int, weight: int, mode: Mode, isa: str) -> None:
    """Every product at its extreme, and a bias that fills int32: saturating instructions would show."""
    weights = np.full((5, 5, 70), weight, np.int8)
    bias = np.full(70, 2**31 - 1 - 25 * 255 * 128)
    bias[::2] *= -1
    factor = Requantization.of_factors(Builder(requant=mode).requant, np.full(70, 100 / 2**31))
    b = Builder(requant=mode)
    image = b.input("x", (1, 6, 6, 70), 1.0, -128 if x > 0 else 127)
    b.output(b.depthwise_conv2d(image, weights, None, bias, 1.0, 3, requantization=factor))
    expect_oracle(b.build(), {"x": np.full((1, 6, 6, 70), x, np.int8)}, isa)


@pytest.mark.parametrize("scale", [2.0**-126, 1e-9, 0.25, 0.5, 0.75, 1.0, 37.5, 2.0**16, 2.0**30])
def test_scales_of_every_size(scale: float, isa: str) -> None:
    """Ties, results far beyond a byte, and results beyond int32."""
    weights = np.array([[[1, -1, 2, 127, -128, 0, 0, 0]]], np.int8)
    bias = np.array([0, 1, -1, 0, 0, 2**30, -(2**30), 3])
    b = Builder()
    x = b.input("x", (1, 16, 16, 8), 1.0, 0)
    factor = Requantization.of_scales(np.full(8, scale))
    b.output(b.depthwise_conv2d(x, weights, None, bias, 1.0, -5, requantization=factor, activation=(-100, 90)))
    expect_oracle(b.build(), {"x": int8(2, 1, 16, 16, 8)}, isa)


@pytest.mark.parametrize("shift", range(-31, 12))
def test_fixed_multipliers_of_every_size(shift: int, isa: str) -> None:
    """Both double and single rounding, ties included."""
    multipliers = np.array([0, 1, 2**30, 2**30 + 1, 3 << 29, 2**31 - 1, 0x5A5A5A5A], np.int32)
    spread = 2 ** min(30 - max(shift, 0), 28) - 3 * 300
    bias = np.random.default_rng(shift + 31).integers(-spread, spread, 7)
    factor = Requantization.of_multipliers(multipliers, np.full(7, shift))
    b = Builder(requant="fixed")
    x = b.input("x", (1, 16, 16, 7), 1.0, 0)
    weights = np.arange(-3, 4, dtype=np.int8)[None, None]
    b.output(b.depthwise_conv2d(x, weights, None, bias, 1.0, 11, requantization=factor))
    expect_oracle(b.build(), {"x": int8(shift + 31, 1, 16, 16, 7)}, isa)


def with_weight(shape: tuple[int, ...]) -> Graph:
    """The layer with zero weights of another shape."""
    graph = depthwise(IMAGE, (2, 2))
    name = graph.nodes[0].inputs[1]
    weight = replace(graph.tensors[name], shape=shape, constant=np.zeros(shape, np.int8))
    return replace(graph, tensors={**graph.tensors, name: weight})


def with_attrs(**attrs: Any) -> Graph:
    graph = depthwise(IMAGE, (2, 2))
    (node,) = graph.nodes
    return replace(graph, nodes=(replace(node, attrs={**node.attrs, **attrs}),))


def with_bias(value: int) -> Graph:
    graph = depthwise(IMAGE, (2, 2))
    name = graph.nodes[0].inputs[2]
    bias = replace(graph.tensors[name], constant=np.full(IMAGE[3], value, np.int32))
    return replace(graph, tensors={**graph.tensors, name: bias})


BAD: dict[str, tuple[Graph, type[Error], str]] = {
    "accumulator": (with_bias(2**31 - 1), QuantizationError, "accumulator"),
    "multiplier": (with_weight((2, 2, 6)), ShapeError, "multiple of 4"),
    "weight rank": (with_weight((4, 4)), ShapeError, "rank"),
    "output size": (with_weight((3, 2, 4)), ShapeError, "output"),
    "kernel too large": (with_weight((9, 2, 4)), ShapeError, "output"),
    "no kernel": (with_weight((0, 2, 4)), ModelFormatError, "kernel"),
    "stride": (with_attrs(stride=(0, 1)), ModelFormatError, "stride"),
    "stride beyond all bounds": (with_attrs(stride=(1, 2**62)), ModelFormatError, "stride"),
    "padding": (with_attrs(padding=(0, -1, 0, 0)), ModelFormatError, "padding"),
    "padding beyond all bounds": (with_attrs(padding=(2**62, 2**62, 2**62, 2**62)), ModelFormatError, "padding"),
    "dilation": (with_attrs(dilation=(0, 1)), ModelFormatError, "dilation"),
    "dilation beyond the input": (with_attrs(dilation=(9, 1)), ShapeError, "output"),
    "requant": (with_attrs(requant=2), Error, "requant"),
    "clamp": (with_attrs(clamp=(-129, 127)), QuantizationError, "clamp"),
    "weight zero point": (with_attrs(weight_zero_point=128), ModelFormatError, "weight_zero_point"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_nodes_are_refused(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, error, about = BAD[case]
    monkeypatch.setattr(Graph, "validate", lambda self: None)
    with pytest.raises(error, match=rf"node 'it' .*{about}"):
        intaglio.load(graph.to_bytes())

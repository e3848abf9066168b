"""Convolutions, fully connected layers and matrix products equal the oracle on every tier."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

import intaglio
from intaglio.builder import Builder
from intaglio.errors import Error, ModelFormatError, QuantizationError, ShapeError
from intaglio.graph import Graph
from intaglio.quantization import Requantization

OPS = ["conv2d", "transposed_conv2d", "fully_connected", "batch_matmul"]
MODES = ["float32", "fixed"]


def int8(seed: int, *shape: int) -> NDArray[np.int8]:
    """Full-range values."""
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def fully_connected(rows: int, weights: NDArray[np.int8], mode: str = "float32", **arguments: Any) -> Graph:
    """A layer whose outputs spread over int8."""
    b = Builder(requant=mode)
    o, k = weights.shape
    given_scales = arguments.setdefault("requantization", None) is not None
    arguments.setdefault("bias", np.arange(o) * 100 - 50 * o)
    bias = arguments.pop("bias")
    x = b.input("x", (rows, k), 0.02, 5)
    scale = None if given_scales else 0.01
    b.output(b.fully_connected(x, weights, scale, bias, 0.02 * k**0.5, -3, **arguments))
    return b.build()


@pytest.mark.parametrize("op", OPS)
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


@pytest.mark.parametrize("op", OPS)
@random_graphs
@given(data=st.data())
def test_random_on_two_threads(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa, threads=2)


@pytest.mark.parametrize("weight_zero_point", [0, -128, 127])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("columns", [1, 15, 16, 17, 32, 40, 48, 64, 65, 127, 129, 250])
def test_every_height_of_tile(columns: int, mode: str, weight_zero_point: int, isa: str) -> None:
    """Every number of rows that a tile may have, at every width of tile, whole and partial."""
    weights = int8(columns, columns, 7)
    for rows in (*range(1, 18), 31, 33, 50):
        graph = fully_connected(rows, weights, mode, weight_zero_point=weight_zero_point)
        expect_oracle(graph, {"x": int8(rows, rows, 7)}, isa)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 8, 63, 64, 65, 255, 257, 1000])
def test_every_kind_of_depth(depth: int, isa: str) -> None:
    expect_oracle(fully_connected(9, int8(depth, 37, depth)), {"x": int8(1, 9, depth)}, isa)


@pytest.mark.parametrize("activation", [None, "relu", (-100, 90)])
@pytest.mark.parametrize("depth", [8, 9, 12, 13, 17, 63, 64, 190, 192, 193])
def test_many_rows_of_small_depth(depth: int, activation: Any, isa: str) -> None:
    """Tiles that are requantized while the next is summed, and the depths and rows where there are none."""
    for rows, columns in ((47, 32), (48, 33), (53, 64), (100, 88)):
        graph = fully_connected(rows, int8(depth, columns, depth), activation=activation)
        expect_oracle(graph, {"x": int8(rows, rows, depth)}, isa)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weight", [-128, 127])
@pytest.mark.parametrize("x", [-128, 127])
def test_largest_accumulators(x: int, weight: int, mode: str, isa: str) -> None:
    """K as large as fits int32 with every product at its extreme: saturating instructions would show."""
    depth = (2**31 - 1) // (133 * 128)
    weights = np.full((17, depth), weight, np.int8)
    factor = Requantization.of_factors(Builder(requant=mode).requant, np.full(17, 100 / 2**31))
    graph = fully_connected(3, weights, mode, bias=None, requantization=factor)
    expect_oracle(graph, {"x": np.full((3, depth), x, np.int8)}, isa)


@pytest.mark.parametrize("scale", [2.0**-126, 1e-9, 2.0**-8, 0.25, 0.5, 0.75, 1.0, 37.5, 2.0**16, 2.0**30])
def test_scales_of_every_size(scale: float, isa: str) -> None:
    """Ties, results far beyond a byte, and results beyond int32."""
    weights = np.concatenate([int8(1, 20, 50), np.full((4, 50), [[1], [-1], [127], [-128]], np.int8)])
    bias = np.concatenate([np.arange(20) - 10, [2**30, -(2**30), 2**30, -(2**30)]])
    for low, high in ((-128, 127), (-10, 20)):
        factor = Requantization.of_scales(np.full(24, scale))
        graph = fully_connected(40, weights, bias=bias, activation=(low, high), requantization=factor)
        x = int8(2, 40, 50)
        x[:20] = np.arange(-10, 10)[:, None] // 8
        expect_oracle(graph, {"x": x}, isa)


@pytest.mark.parametrize("shift", range(-31, 12))
@pytest.mark.parametrize("op", ["conv2d", "fully_connected"])
def test_fixed_multipliers_of_every_size(op: str, shift: int, isa: str) -> None:
    """Both double and single rounding, ties included."""
    multipliers = np.array([0, 1, 2**30, 2**30 + 1, 3 << 29, 2**31 - 1, 0x5A5A5A5A], np.int32)
    weights = np.arange(-3, 4, dtype=np.int8)[:, None] * np.ones((1, 3), np.int8)
    spread = 2 ** min(30 - max(shift, 0), 28) - 3 * 3 * 300
    bias = np.random.default_rng(shift + 31).integers(-spread, spread, 7)
    factor = Requantization.of_multipliers(multipliers, np.full(7, shift))
    b = Builder(requant="fixed")
    x = b.input("x", (1, 16, 16, 3), 1.0, 0)
    if op == "conv2d":
        b.output(b.conv2d(x, weights[:, None, None], None, bias, 1.0, 11, requantization=factor))
    else:
        b.output(b.fully_connected(x, weights, None, bias, 1.0, 11, requantization=factor))
    expect_oracle(b.build(), {"x": int8(shift + 31, 1, 16, 16, 3)}, isa)


CONVOLUTIONS = {
    "stem": ((1, 33, 35, 3), (32, 3, 3, 3), {"stride": 2, "padding": "same"}),
    "one channel": ((1, 49, 10, 1), (64, 10, 4, 1), {"stride": 2, "padding": "same"}),
    "3x3": ((2, 8, 8, 64), (64, 3, 3, 64), {"padding": "same"}),
    "3x3 stride 2": ((1, 16, 16, 16), (32, 3, 3, 16), {"stride": 2, "padding": "same"}),
    "1x1 stride 2": ((3, 9, 9, 20), (24, 1, 1, 20), {"stride": 2}),
    "1x1": ((2, 7, 7, 40), (200, 1, 1, 40), {}),
    "1x1 padded": ((1, 3, 4, 8), (24, 1, 1, 8), {"padding": (2, 0, 1, 3)}),
    "windows outside": ((1, 2, 2, 5), (18, 2, 2, 5), {"padding": (5, 4, 3, 6)}),
    "dilated": ((1, 12, 13, 6), (17, 3, 3, 6), {"dilation": (2, 3), "padding": "same"}),
    "dilated rows": ((1, 30, 1, 12), (16, 5, 1, 12), {"dilation": (4, 1), "padding": (16, 0, 0, 0)}),
    "grouped": ((2, 6, 5, 24), (36, 3, 3, 8), {"groups": 3, "padding": "same"}),
    "groups of one": ((1, 6, 5, 7), (14, 3, 2, 1), {"groups": 7}),
    "whole image": ((4, 5, 6, 7), (33, 5, 6, 7), {}),
    "along a row": ((1, 1, 100, 9), (20, 1, 7, 9), {"stride": (1, 3)}),
    "along a column": ((1, 100, 1, 9), (20, 7, 1, 9), {"stride": (3, 1)}),
    "unequal": ((1, 20, 17, 4), (5, 4, 2, 4), {"stride": (3, 1), "padding": (0, 1, 2, 0)}),
    "strides beyond the input": ((2, 3, 4, 5), (20, 2, 2, 5), {"stride": (2**24, 2**24)}),
}


@pytest.mark.parametrize("weight_zero_point", [0, 9])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions_of_networks(case: str, mode: str, weight_zero_point: int, isa: str) -> None:
    shape, kernel, window = CONVOLUTIONS[case]
    b = Builder(requant=mode)
    weights = int8(3, *kernel)
    scales = np.linspace(0.001, 0.02, kernel[0])
    out_scale = 0.02 * 0.01 * 74 * 74 * weights[0].size ** 0.5 / 40
    y = b.conv2d(
        b.input("x", shape, 0.02, -77),
        weights,
        scales,
        np.arange(kernel[0]) * 50,
        out_scale,
        12,
        weight_zero_point=weight_zero_point,
        **window,
    )
    b.output(y)
    for threads in (1, 2):
        expect_oracle(b.build(), {"x": int8(4, *shape)}, isa, threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_layer_worth_sharing_out(threads: int, isa: str) -> None:
    """Enough multiply-accumulates for every step to be shared, along lines, columns and groups in turn."""
    for shape, kernel in (
        ((1, 24, 24, 64), (96, 3, 3, 64)),
        ((1, 1, 1, 2048), (2000, 1, 1, 2048)),
        ((1, 1, 1, 4096), (2048, 1, 1, 512)),
    ):
        groups = shape[3] // kernel[3]
        b = Builder()
        x = b.input("x", shape, 0.02, 3)
        b.output(b.conv2d(x, int8(5, *kernel), 0.001, None, 0.5, 0, padding="same", groups=groups, weight_zero_point=1))
        expect_oracle(b.build(), {"x": int8(6, *shape)}, isa, threads)


@pytest.mark.parametrize("weight_zero_point", [0, -7])
@pytest.mark.parametrize("threads", [1, 2])
def test_more_rows_than_are_done_at_once(threads: int, weight_zero_point: int, isa: str) -> None:
    """Rows so deep that they come in blocks, the last of them a single row; lines of windows that do."""
    weights = int8(12, 37, 8192)
    graph = fully_connected(33, weights, weight_zero_point=weight_zero_point)
    expect_oracle(graph, {"x": int8(13, 33, 8192)}, isa, threads)
    shape, kernel = (2, 14, 11, 600), (20, 3, 3, 600)
    b = Builder()
    x = b.input("x", shape, 0.02, 3)
    options: dict[str, Any] = {"stride": 2, "padding": "same", "weight_zero_point": weight_zero_point}
    b.output(b.conv2d(x, int8(14, *kernel), 0.001, np.arange(20) * 300, 0.3, -2, **options))
    expect_oracle(b.build(), {"x": int8(15, *shape)}, isa, threads)


@pytest.mark.parametrize("weight_zero_point", [0, -9])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((1, 1), (3, 2), "valid"),  # positions without a tap between those with one
        ((2, 5), (3, 2), "valid"),
        ((4, 4), (2, 2), (1, 1, 1, 1)),
        ((3, 3), (2, 2), "same"),
        ((5, 3), (1, 1), (4, 2, 4, 2)),
        ((2, 2), (5, 7), (0, 1, -9, -3)),  # ends in positions beyond every tap
        ((9, 9), (4, 4), (8, 0, 0, 8)),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_transposed_convolutions(
    kernel: tuple[int, int], stride: tuple[int, int], padding: Any, mode: str, weight_zero_point: int, isa: str
) -> None:
    b = Builder(requant=mode)
    x = b.input("x", (2, 6, 5, 11), 0.02, 50)
    weights = int8(7, 19, *kernel, 11)
    bias = np.arange(19) * 100
    y = b.transposed_conv2d(
        x, weights, 0.01, bias, 0.5, 3, stride=stride, padding=padding, weight_zero_point=weight_zero_point
    )
    b.output(y)
    expect_oracle(b.build(), {"x": int8(8, 2, 6, 5, 11)}, isa)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1, 64), (64, 1)),
        ((40, 33), (33, 50)),
        ((3, 4, 10, 16), (3, 4, 16, 10)),
        ((3, 1, 5, 7), (4, 7, 9)),
        ((5, 7), (2, 3, 7, 20)),
        ((2, 33, 8191), (8191, 21)),  # more rows than are done at once
    ],
)
def test_matrix_products(a: tuple[int, ...], b: tuple[int, ...], mode: str, isa: str) -> None:
    builder = Builder(requant=mode)
    names = builder.input("a", a, 0.02, -128), builder.input("b", b, 0.03, 101)
    builder.output(builder.batch_matmul(*names, 0.02 * 0.03 * 100 * a[-1] ** 0.5, 7))
    expect_oracle(builder.build(), {"a": int8(9, *a), "b": int8(10, *b)}, isa, threads=2)


def load_unchecked(monkeypatch: pytest.MonkeyPatch, graph: Graph) -> None:
    """Load the graph's file, written without the checks that `Graph` makes."""
    monkeypatch.setattr(Graph, "validate", lambda self: None)
    intaglio.load(graph.to_bytes())


def change(graph: Graph, attrs: dict[str, Any] | None = None, **data: Any) -> Graph:
    """The graph with some attributes of its node, or the data of some of its inputs (by their role), changed."""
    node = graph.nodes[0]
    roles = dict(zip(("x", "weight", "bias", "scale", "shift"), node.inputs, strict=True))
    tensors = dict(graph.tensors)
    for role, value in data.items():
        old = tensors[roles[role]]
        array = np.asarray(value, old.dtype)
        tensors[old.name] = dataclasses.replace(old, constant=array, shape=array.shape)
    changed = dataclasses.replace(node, attrs={**node.attrs, **(attrs or {})})
    return dataclasses.replace(graph, tensors=tensors, nodes=(changed,))


def convolution() -> Graph:
    b = Builder()
    b.output(b.conv2d(b.input("x", (1, 4, 4, 2), 1.0, 0), int8(1, 3, 2, 2, 2), 1.0, None, 1.0, 0, name="conv"))
    return b.build()


BAD: dict[str, tuple[type[Error], dict[str, Any]]] = {
    "accumulator": (QuantizationError, {"bias": [0, 2**31 - 100, 0]}),
    "scale of zero": (QuantizationError, {"scale": [1.0, 0.0, 1.0]}),
    "negative scale": (QuantizationError, {"scale": [1.0, -1.0, 1.0]}),
    "subnormal scale": (QuantizationError, {"scale": [1.0, 1e-40, 1.0]}),
    "scale not a number": (QuantizationError, {"scale": [1.0, np.nan, 1.0]}),
    "too few scales": (ShapeError, {"scale": [1.0]}),
    "too few biases": (ShapeError, {"bias": [0, 0]}),
    "weight channels": (ShapeError, {"weight": np.zeros((3, 2, 2, 1), np.int8)}),
    "weight rank": (ShapeError, {"weight": np.zeros((3, 2, 2), np.int8)}),
    "kernel too large": (ShapeError, {"weight": np.zeros((3, 5, 2, 2), np.int8)}),
    "output channels": (ShapeError, {"weight": np.zeros((4, 2, 2, 2), np.int8)}),
    "stride": (ModelFormatError, {"attrs": {"stride": (0, 1)}}),
    "stride beyond all bounds": (ModelFormatError, {"attrs": {"stride": (1, 2**62)}}),
    "padding": (ModelFormatError, {"attrs": {"padding": (0, -1, 0, 0)}}),
    "padding beyond all bounds": (ModelFormatError, {"attrs": {"padding": (2**62, 2**62, 2**62, 2**62)}}),
    "dilation": (ModelFormatError, {"attrs": {"dilation": (0, 1)}}),
    "dilation beyond the input": (ShapeError, {"attrs": {"dilation": (9, 1)}}),
    "groups": (ShapeError, {"attrs": {"groups": 2}}),
    "no groups": (ModelFormatError, {"attrs": {"groups": 0}}),
    "requant": (QuantizationError, {"attrs": {"requant": 2}}),
    "clamp": (QuantizationError, {"attrs": {"clamp": (3, 2)}}),
    "clamp beyond a byte": (QuantizationError, {"attrs": {"clamp": (0, 128)}}),
    "weight zero point": (ModelFormatError, {"attrs": {"weight_zero_point": 128}}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_node_is_refused_by_the_engine(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error, changes = BAD[case]
    with pytest.raises(error, match="'conv'"):
        load_unchecked(monkeypatch, change(convolution(), **changes))


def test_unchanged_node_is_accepted_by_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    load_unchecked(monkeypatch, change(convolution()))


@pytest.mark.parametrize("fits", [True, False])
def test_accumulator_bound_is_exact(fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """x - zx reaches 255 - 128, so three weights of 100 sum to 127 * 300."""
    b = Builder()
    weights = np.array([[100, 100, 100, -100]], np.int8)
    largest = 127 * 300 + 128 * 100
    b.output(b.fully_connected(b.input("x", (1, 4), 1.0, 0), weights, 1.0, [2**31 - 1 - largest], 1.0, 0))
    graph = b.build()
    if fits:
        load_unchecked(monkeypatch, graph)
    else:
        with pytest.raises(QuantizationError, match="2147483648"):
            load_unchecked(monkeypatch, change(graph, bias=[2**31 - largest]))

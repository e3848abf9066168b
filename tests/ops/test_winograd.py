"""3x3 convolutions in tiles of 4x4 outputs: they are taken where they can be, and equal the oracle on every tier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import expect_oracle
from numpy.typing import NDArray

import intaglio
from intaglio.builder import Builder
from intaglio.graph import Graph
from intaglio.quantization import Requantization

MODES = ["float32", "fixed"]
#: Accumulators that tiles can hold lie in [-END, END).
END = 1 << 25

#: The rows of B^T, which transforms inputs, and of G times what makes them integers, which transforms weights.
INPUTS = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
WEIGHTS = np.array([[1, 0, 0], [1, 1, 1], [1, -1, 1], [1, 2, 4], [1, -2, 4], [0, 0, 1]])


@pytest.fixture(autouse=True)
def _has_tiles(isa: str) -> None:
    if isa not in ("avx2", "avxvnni", "avx512vnni"):
        pytest.skip(f"{isa} has no kernels for tiles")


def int8(seed: int, *shape: int) -> NDArray[np.int8]:
    """Full-range values."""
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def small(seed: int, *shape: int) -> NDArray[np.int8]:
    """Weights whose sums stay within END whatever the input."""
    spread = min(127, END // 256 // int(np.prod(shape[1:])))
    return np.random.default_rng(seed).integers(-spread, spread + 1, shape).astype(np.int8)


def convolution(
    shape: tuple[int, ...], weights: NDArray[np.int8], zero_point: int = 5, mode: str = "float32", **arguments: Any
) -> Graph:
    """A layer whose outputs spread over int8."""
    b = Builder(requant=mode)
    scales = np.linspace(0.5, 1.5, len(weights)) * 0.01
    spread = 0.01 * 74 * np.abs(weights.astype(float)).mean() * weights[0].size ** 0.5 / 30
    bias = arguments.pop("bias", np.arange(len(weights)) * 50)
    x = b.input("x", shape, 1.0, zero_point)
    b.output(b.conv2d(x, weights, scales, bias, spread, -7, padding=arguments.pop("padding", "same"), **arguments))
    return b.build()


def takes_tiles(graph: Graph, isa: str) -> bool:
    return any("winograd" in step.kernel for step in intaglio.load(graph, isa=isa, threads=1).plan())


def expect_tiles(graph: Graph, x: NDArray[np.int8], isa: str, threads: int = 1) -> None:
    assert takes_tiles(graph, isa)
    expect_oracle(graph, {"x": x}, isa, threads)


SHAPES: dict[str, tuple[tuple[int, ...], int, Any]] = {
    "whole tiles": ((1, 24, 24, 64), 64, "same"),
    "no padding": ((1, 26, 30, 64), 64, "valid"),
    "odd sizes": ((1, 27, 31, 64), 64, "same"),
    "unequal padding": ((1, 23, 21, 128), 128, (2, 0, 1, 3)),
    "windows outside": ((1, 9, 10, 64), 64, (8, 10, 9, 10)),
    "one column too many": ((1, 24, 32, 66), 289, "same"),
    "odd channels": ((1, 24, 24, 127), 95, "same"),
    "batch": ((5, 11, 12, 64), 64, "same"),
    "more tiles than are done at once": ((1, 70, 66, 64), 64, "same"),
    "one row of tiles": ((1, 4, 160, 64), 64, "same"),
    "deep": ((1, 20, 16, 288), 128, "same"),
    "short tiles": ((1, 26, 22, 64), 64, "same"),
    "short tiles of one row and one column": ((2, 33, 29, 64), 64, "same"),
    "tiles short of rows": ((3, 14, 16, 96), 64, "same"),
    "tiles short of columns": ((1, 31, 25, 64), 95, "same"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zero_point", [-128, 5, 127])
@pytest.mark.parametrize("case", SHAPES)
def test_shapes(case: str, zero_point: int, mode: str, isa: str) -> None:
    shape, columns, padding = SHAPES[case]
    graph = convolution(shape, small(1, columns, 3, 3, shape[3]), zero_point, mode, padding=padding)
    expect_tiles(graph, int8(2, *shape), isa)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        ((1, 19, 23, 33), 34),
        ((1, 16, 16, 16), 16),
        ((1, 20, 24, 17), 47),
        ((3, 4, 4, 40), 33),
        ((1, 4, 8, 64), 64),
        ((1, 14, 14, 64), 64),
        ((1, 6, 4, 64), 64),
        ((1, 4, 6, 64), 64),
        ((1, 6, 6, 64), 64),
        ((2, 2, 6, 64), 64),
        ((16, 6, 2, 64), 64),
        ((1, 2, 250, 256), 64),
    ],
)
def test_few_channels_and_small_pictures(shape: tuple[int, ...], columns: int, mode: str, isa: str) -> None:
    """With VNNI, windows are faster here."""
    graph = convolution(shape, small(1, columns, 3, 3, shape[3]), 9, mode)
    assert takes_tiles(graph, isa) or isa != "avx2"
    expect_oracle(graph, {"x": int8(2, *shape)}, isa)


def test_a_last_tile_by_itself(isa: str) -> None:
    """23 times 24 tiles, the fewest that are done together, and one tile: products are of two rows at least."""
    shape = (1, 4, 553 * 4, 298)
    graph = convolution(shape, small(1, 16, 3, 3, 298))
    assert takes_tiles(graph, isa) or isa != "avx2"
    expect_oracle(graph, {"x": int8(2, *shape)}, isa)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("activation", [None, (-7, 127), (-20, 33)])
def test_clamps(activation: tuple[int, int] | None, mode: str, isa: str) -> None:
    graph = convolution((1, 24, 24, 64), small(3, 64, 3, 3, 64), mode=mode, activation=activation)
    expect_tiles(graph, int8(4, 1, 24, 24, 64), isa)


@pytest.mark.parametrize("scale", [2.0**-30, 0.49, 0.75, 2.0**10, 2.0**30])
def test_scales_of_every_size(scale: float, isa: str) -> None:
    factor = Requantization.of_scales(np.full(64, scale))
    b = Builder()
    x = b.input("x", (1, 24, 24, 64), 1.0, 3)
    b.output(b.conv2d(x, small(5, 64, 3, 3, 64), None, None, 1.0, 2, padding="same", requantization=factor))
    expect_tiles(b.build(), int8(6, 1, 24, 24, 64), isa)


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_transformed_values_at_their_extremes(zero_point: int, isa: str) -> None:
    """Inputs and weights that make each of the 36 products as large, and as small, as it can be."""
    patches = np.einsum("ik,jl->ijkl", INPUTS, INPUTS).reshape(36, 6, 6)
    windows = np.einsum("ik,jl->ijkl", WEIGHTS, WEIGHTS).reshape(36, 3, 3)
    # Each image has one product's extremes in all channels, some with the other sign.
    signs = np.where(np.arange(64) % 3, 1, -1)
    x = np.where(patches[:, :, :, None] * signs > 0, 127, -128).astype(np.int8)
    kinds = np.concatenate([windows, -windows, windows[:24]])
    weights = np.where(kinds[:, :, :, None] * signs > 0, 127, -128).astype(np.int8)
    expect_tiles(convolution(x.shape, weights, zero_point, padding="valid"), x, isa)
    # Zeros where a product does not depend on an input: the others then are not drowned.
    x[:] = np.where(patches[:, :, :, None] == 0, zero_point, x)
    weights[:] = np.where(kinds[:, :, :, None] == 0, 0, weights)
    expect_tiles(convolution(x.shape, weights, zero_point, padding="valid"), x, isa)


@pytest.mark.parametrize("x", [-128, 127])
@pytest.mark.parametrize("weight", [-128, 127])
def test_everything_at_its_extreme(x: int, weight: int, isa: str) -> None:
    """As many channels as fit tiles; the zero point makes the difference as large as it can be."""
    weights = np.full((64, 3, 3, 112), weight, np.int8)
    graph = convolution((1, 20, 24, 112), weights, -128 if x > 0 else 127)
    expect_tiles(graph, np.full((1, 20, 24, 112), x, np.int8), isa)


@pytest.mark.parametrize("beyond", [0, 1])
@pytest.mark.parametrize("high", [False, True])
def test_largest_accumulators(high: bool, beyond: int, isa: str) -> None:
    """Tiles are taken up to the last accumulator that they can hold, and windows from the next on."""
    weights = int8(7, 64, 3, 3, 64)
    zero_point, column = 20, 37
    signs = weights[column].astype(np.int64)
    above, below = 127 - zero_point, -128 - zero_point
    if high:
        extreme = int((signs * np.where(signs > 0, above, below)).sum())
        bias = END - 1 + beyond - extreme
    else:
        extreme = int((signs * np.where(signs > 0, below, above)).sum())
        bias = -END - beyond - extreme
    biases = np.zeros(64, np.int64)
    biases[column] = bias
    b = Builder()
    x = b.input("x", (32, 6, 6, 64), 1.0, zero_point)
    factor = Requantization.of_scales(np.full(64, 100 / END))
    b.output(b.conv2d(x, weights, None, biases, 1.0, 0, requantization=factor))
    graph = b.build()
    assert takes_tiles(graph, isa) == (beyond == 0)
    # Every window of the first image's, at some place in turn, is the one of the extreme.
    images = int8(8, 32, 6, 6, 64)
    for image in range(32):
        row, place = image % 16 // 4, image % 4
        window = np.where((signs > 0) == high, 127, -128)
        images[image, row : row + 3, place : place + 3] = window
    outputs = intaglio.load(graph, isa=isa).run({"x": images}, raw=True)
    (output,) = outputs.values()
    assert np.count_nonzero(output[..., column] == (100 if high else -100)) >= 32
    expect_oracle(graph, {"x": images}, isa)


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("case", ["many tiles", "many columns", "uneven", "short tiles"])
def test_threads(case: str, threads: int, isa: str) -> None:
    """Shared out in tiles, in columns, and in neither evenly."""
    shape, columns = {
        "many tiles": ((1, 48, 48, 64), 64),
        "many columns": ((1, 20, 20, 128), 256),
        "uneven": ((1, 31, 30, 96), 93),
        "short tiles": ((1, 14, 18, 256), 64),
    }[case]
    expect_tiles(convolution(shape, small(9, columns, 3, 3, shape[3])), int8(10, *shape), isa, threads)


def test_one_whole_tile_behind_short_ones(isa: str) -> None:
    """The first thread's: products that short tiles lack are of one row, and there is no memory behind that."""
    columns = 32 if isa == "avx512vnni" else 16  # done together, so that only tiles can be shared out
    graph = convolution((1, 18, 16, 128), small(14, columns, 3, 3, 128))
    expect_tiles(graph, int8(15, 1, 18, 16, 128), isa, threads=4)


def test_parts_have_room_for_their_own_padded_lines_only(isa: str) -> None:
    padded = (1, 98, 98, 64)
    arenas = [
        intaglio.load(convolution(shape, small(16, 64, 3, 3, 64), padding=padding), isa=isa, threads=8).arena_bytes
        for shape, padding in (((1, 96, 96, 64), "same"), (padded, "valid"))
    ]
    assert arenas[0] < arenas[1] + 2 * int(np.prod(padded))


REFUSED: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "stride": ((64, 3, 3, 64), {"stride": 2}),
    "stride of rows": ((64, 3, 3, 64), {"stride": (2, 1)}),
    "dilation": ((64, 3, 3, 64), {"dilation": (1, 2)}),
    "groups": ((64, 3, 3, 32), {"groups": 2}),
    "size": ((64, 3, 2, 64), {}),
    "weights with a zero point": ((64, 3, 3, 64), {"weight_zero_point": 1}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_others_take_windows(case: str, isa: str) -> None:
    kernel, arguments = REFUSED[case]
    graph = convolution((1, 16, 16, 64), small(11, *kernel), **arguments)
    assert not takes_tiles(graph, isa)
    expect_oracle(graph, {"x": int8(12, 1, 16, 16, 64)}, isa)


def test_few_channels_take_windows(isa: str) -> None:
    """Transforming them would take longer than the products that it saves."""
    assert not takes_tiles(convolution((1, 32, 32, 3), int8(13, 16, 3, 3, 3)), isa)
    assert not takes_tiles(convolution((1, 32, 32, 64), int8(13, 1, 3, 3, 64)), isa)

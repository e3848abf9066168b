"""Sums of products against loops in Python's integers, at random output positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from strategies import random_graph, random_inputs

from intaglio import reference
from intaglio.builder import Builder
from intaglio.graph import Graph
from intaglio.opset import Requant
from intaglio.rules import NodeView

Index = tuple[int, ...]
Sum = Callable[[NodeView, np.ndarray, Index], int]
SEEDS = range(25)
POSITIONS = 12


def rounded_away(x: Fraction) -> int:
    return (1 if x >= 0 else -1) * math.floor(abs(x) + Fraction(1, 2))


def stored(values: np.ndarray) -> np.ndarray:
    """uint8 port values as the graph stores them."""
    return (values ^ 0x80).view(np.int8) if values.dtype == np.uint8 else values


def requantized(view: NodeView, acc: int, channel: int) -> int:
    """One accumulator to int8, by scalars."""
    assert -(2**31) < acc < 2**31
    scale, shift = view.data("scale"), view.data("shift")
    channel = channel if scale.size > 1 else 0
    if view.requant is Requant.FLOAT32:
        value = round(float(np.float32(acc) * scale[channel]))
    else:
        m, s = int(scale[channel]), int(shift[channel])
        if view.op.name == "fully_connected":
            value = rounded_away(Fraction(acc * m) * Fraction(2) ** (s - 31))
        else:
            high = math.floor(Fraction(acc * 2 ** max(s, 0) * m, 2**31) + Fraction(1, 2))
            value = rounded_away(Fraction(high, 2 ** max(-s, 0)))
    low, high_bound = view.numbers("clamp")
    return min(max(value + view.output.zero_point, low), high_bound)


def window(view: NodeView, x: np.ndarray, index: Index, kernel: Index) -> Iterator[tuple[int, int, int, int]]:
    """(ky, kx, row, column) of the taps inside the input."""
    (sh, sw), (dh, dw), (top, left, _, _) = (view.numbers(n) for n in ("stride", "dilation", "padding"))
    for ky in range(kernel[0]):
        for kx in range(kernel[1]):
            row, column = index[1] * sh - top + ky * dh, index[2] * sw - left + kx * dw
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                yield ky, kx, row, column


def conv2d(view: NodeView, x: np.ndarray, index: Index) -> int:
    w, zx, zw = view.data("weight"), view["x"].zero_point, view.number("weight_zero_point")
    per_group = w.shape[3]
    first = index[3] // (w.shape[0] // view.number("groups")) * per_group
    acc = int(view.data("bias")[index[3]])
    for ky, kx, row, column in window(view, x, index, w.shape[1:3]):
        for i in range(per_group):
            acc += (int(x[index[0], row, column, first + i]) - zx) * (int(w[index[3], ky, kx, i]) - zw)
    return acc


def depthwise_conv2d(view: NodeView, x: np.ndarray, index: Index) -> int:
    w, zx, zw = view.data("weight"), view["x"].zero_point, view.number("weight_zero_point")
    channel = index[3] // (w.shape[2] // x.shape[3])
    acc = int(view.data("bias")[index[3]])
    for ky, kx, row, column in window(view, x, index, w.shape[:2]):
        acc += (int(x[index[0], row, column, channel]) - zx) * (int(w[ky, kx, index[3]]) - zw)
    return acc


def transposed_conv2d(view: NodeView, x: np.ndarray, index: Index) -> int:
    w, zx, zw = view.data("weight"), view["x"].zero_point, view.number("weight_zero_point")
    (sh, sw), (top, left, _, _) = view.numbers("stride"), view.numbers("padding")
    acc = int(view.data("bias")[index[3]])
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            ky, kx = index[1] - row * sh + top, index[2] - column * sw + left
            if 0 <= ky < w.shape[1] and 0 <= kx < w.shape[2]:
                for i in range(x.shape[3]):
                    acc += (int(x[index[0], row, column, i]) - zx) * (int(w[index[3], ky, kx, i]) - zw)
    return acc


def fully_connected(view: NodeView, x: np.ndarray, index: Index) -> int:
    w, zx, zw = view.data("weight"), view["x"].zero_point, view.number("weight_zero_point")
    products = ((int(a) - zx) * (int(b) - zw) for a, b in zip(x[index[:-1]], w[index[-1]], strict=True))
    return int(view.data("bias")[index[-1]]) + sum(products)


def check(graph: Graph, rng: np.random.Generator, total: Sum) -> None:
    inputs = random_inputs(graph, rng)
    view = NodeView.of(graph.nodes[0], graph.tensors)
    x, y = stored(inputs["x"]), stored(reference.run(graph, inputs)[view.output.name])
    for _ in range(POSITIONS if y.size else 0):
        index = tuple(int(rng.integers(n)) for n in y.shape)
        assert y[index] == requantized(view, total(view, x, index), index[-1]), index


@pytest.mark.parametrize(
    "total", [conv2d, depthwise_conv2d, transposed_conv2d, fully_connected], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("seed", SEEDS)
def test_equals_loops(total: Sum, seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    check(random_graph(total.__name__, rng), rng, total)


@pytest.mark.parametrize("seed", SEEDS)
def test_batch_matmul_equals_loops(seed: int) -> None:
    rng = np.random.default_rng([seed, 2])
    graph = random_graph("batch_matmul", rng)
    view = NodeView.of(graph.nodes[0], graph.tensors)
    inputs = random_inputs(graph, rng)
    y = stored(reference.run(graph, inputs)[view.output.name])
    operands = []
    for tensor in view.inputs[:2]:
        values = inputs[tensor.name] if tensor.data is None else tensor.data
        wide = np.broadcast_to(stored(values), y.shape[:-2] + values.shape[-2:]).astype(object)
        operands.append(wide - tensor.zero_point)
    for _ in range(POSITIONS):
        index = tuple(int(rng.integers(n)) for n in y.shape)
        row, column = operands[0][index[:-1]], operands[1][(*index[:-2], slice(None), index[-1])]
        acc = sum(int(a) * int(b) for a, b in zip(row, column, strict=True))
        assert y[index] == requantized(view, acc, 0), index


def test_conv2d_by_hand() -> None:
    """3x3 ones over a 2x2 map of (x - zx) = 1, 2, 3, 4, same padding: every output sees all four."""
    b = Builder()
    x = b.input("x", (1, 2, 2, 1), 1.0, 10)
    y = b.conv2d(x, np.ones((1, 3, 3, 1), np.int8), 1.0, [100], 2.0, -5, padding="same")
    b.output(y)
    data = np.array([11, 12, 13, 14], np.int8).reshape(1, 2, 2, 1)
    # (100 + 10) / 2 - 5
    assert reference.run(b.build(), {"x": data})[y].tolist() == [[[[50], [50]], [[50], [50]]]]


def test_halves_round_to_even_in_float32_mode_and_up_in_fixed_mode() -> None:
    results = {}
    for mode in ("float32", "fixed"):
        b = Builder(requant=mode)
        x = b.input("x", (6, 1), 1.0, 0)
        y = b.mul(x, b.constant(np.int8([[1]]), 1.0), 2.0, 0)
        b.output(y)
        data = np.array([[1], [3], [5], [-1], [-3], [-5]], np.int8)
        results[mode] = reference.run(b.build(), {"x": data})[y].ravel().tolist()
    assert results["float32"] == [0, 2, 2, 0, -2, -2]
    assert results["fixed"] == [1, 2, 3, 0, -1, -2]


def test_minus_128_in_weights_and_activations() -> None:
    b = Builder()
    x = b.input("x", (1, 1), 1.0, 127)
    y = b.fully_connected(x, np.int8([[-128]]), 1.0, [0], 255.0, -128, weight_zero_point=127)
    b.output(y)
    # (-128 - 127)^2 / 255 - 128
    assert reference.run(b.build(), {"x": np.int8([[-128]])})[y] == 127

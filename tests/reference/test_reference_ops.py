"""The other ops against scalar definitions, hand-made cases and float64."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from strategies import random_graph, random_inputs

from intaglio import reference
from intaglio.builder import Builder
from intaglio.errors import DTypeError, InputError, ShapeError
from intaglio.graph import Graph
from intaglio.opset import BY_NAME, Requant, Rounding
from intaglio.reference.softmax import one_over_one_plus_x
from intaglio.resize_tables import BILINEAR_UNITS, bilinear_table, nearest_table
from intaglio.rules import NodeView
from intaglio.softmax_tables import softmax_table

SEEDS = range(25)


def stored(values: NDArray[Any]) -> NDArray[Any]:
    """uint8 port values as the graph stores them."""
    return (values ^ 0x80).view(np.int8) if values.dtype == np.uint8 else values


def run_one(op: str, seed: int) -> tuple[NodeView, list[NDArray[Any]], NDArray[Any]]:
    """A random node, the values of its inputs, and its output."""
    rng = np.random.default_rng([seed, 3])
    graph = random_graph(op, rng)
    inputs = random_inputs(graph, rng)
    view = NodeView.of(graph.nodes[0], graph.tensors)
    values = [stored(inputs[t.name]) if t.data is None else t.data for t in view.inputs]
    return view, values, stored(reference.run(graph, inputs)[view.output.name])


def single(make: Any, **inputs: NDArray[Any]) -> NDArray[Any]:
    """Run one op on arrays of scale 1 and zero point 0."""
    b = Builder()
    y = make(
        b, *(b.input(n, v.shape, None if v.dtype == np.float32 else 1.0, dtype=v.dtype) for n, v in inputs.items())
    )
    b.output(y)
    return reference.run(b.build(), inputs)[y]


def rounded_away(x: Fraction) -> int:
    return (1 if x >= 0 else -1) * math.floor(abs(x) + Fraction(1, 2))


@pytest.mark.parametrize("op", sorted(BY_NAME))
def test_every_op_runs_and_gives_more_than_one_value(op: str) -> None:
    values = set()
    for seed in SEEDS:
        view, _, y = run_one(op, seed)
        assert y.shape == view.output.shape
        assert y.dtype == view.output.dtype
        values |= set(y.ravel()[:100].tolist())
    assert len(values) > 1


@pytest.mark.parametrize("op", ["add", "sub"])
@pytest.mark.parametrize("seed", SEEDS)
def test_sums_equal_scalars(op: str, seed: int) -> None:
    view, (a, b), y = run_one(op, seed)
    sign = 1 if op == "add" else -1
    za, zb, zy = (t.zero_point for t in (*view.inputs, view.output))
    m, s, left = view.numbers("multiplier"), view.numbers("shift"), view.number("left_shift")
    low, high = view.numbers("clamp")

    def fixed(x: int, i: int) -> int:
        nearest = math.floor(Fraction(x * 2 ** max(s[i], 0) * m[i], 2**31) + Fraction(1, 2))
        return rounded_away(Fraction(nearest, 2 ** max(-s[i], 0)))

    pairs = np.broadcast(a, b)
    for (qa, qb), got in zip(pairs, y.ravel(), strict=True):
        p, q = int(qa) - za, int(qb) - zb
        if view.requant is Requant.FLOAT32:
            value = math.floor(Fraction(p * m[0] + sign * q * m[1], 2 ** s[0]) + Fraction(1, 2))
        else:
            value = fixed(fixed(p << left, 0) + sign * fixed(q << left, 1), 2)
        assert got == min(max(value + zy, low), high)


@pytest.mark.parametrize("op", ["add", "sub"])
@pytest.mark.parametrize("mode", ["float32", "fixed"])
def test_sums_are_near_the_real_ones(op: str, mode: Any) -> None:
    b = Builder(requant=mode)
    x, y = b.input("x", (256, 1), 0.02, -7), b.input("y", (256,), 0.05, 90)
    z = getattr(b, op)(x, y, 0.08, 3)
    b.output(z)
    q = np.arange(-128, 128).astype(np.int8)
    got = reference.run(b.build(), {"x": q[:, None], "y": q})[z]
    real_x, real_y = 0.02 * (q[:, None].astype(float) + 7), 0.05 * (q.astype(float) - 90)
    real = (real_x + real_y if op == "add" else real_x - real_y) / 0.08 + 3
    assert np.abs(got - np.clip(real, -128, 127)).max() < 0.502


@pytest.mark.parametrize("op", ["max_pool2d", "average_pool2d"])
@pytest.mark.parametrize("seed", SEEDS)
def test_pools_equal_loops(op: str, seed: int) -> None:
    view, (x,), y = run_one(op, seed)
    (kh, kw), (sh, sw), (top, left, _, _) = (view.numbers(n) for n in ("kernel", "stride", "padding"))
    low, high = view.numbers("clamp")
    rng = np.random.default_rng(seed)
    for _ in range(12 if y.size else 0):
        n, i, j, c = (int(rng.integers(size)) for size in y.shape)
        rows = [r for r in range(i * sh - top, i * sh - top + kh) if 0 <= r < x.shape[1]]
        columns = [q for q in range(j * sw - left, j * sw - left + kw) if 0 <= q < x.shape[2]]
        inside = [int(x[n, r, q, c]) for r in rows for q in columns]
        if op == "max_pool2d":
            value = max(inside)
        elif view.number("rounding") == Rounding.HALF_AWAY:
            value = rounded_away(Fraction(sum(inside), len(inside)))
        else:
            value = math.floor(Fraction(sum(inside) + len(inside) // 2, len(inside)))
        assert y[n, i, j, c] == min(max(value, low), high)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_is_near_the_real_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    b = Builder(requant="fixed" if seed % 2 else "float32")
    x = b.input("x", (2, 7, 5, 3), 0.04, 11)
    y = b.mean(x, (1, -2), 0.03, -4)
    b.output(y)
    data = rng.integers(-128, 128, (2, 7, 5, 3), np.int8)
    real = (data.astype(float) - 11).mean(axis=(1, 2)) * 0.04 / 0.03 - 4
    assert np.abs(reference.run(b.build(), {"x": data})[y] - real).max() < (0.54 if seed % 2 else 0.5001)


@pytest.mark.parametrize("mode", ["float32", "fixed"])
@pytest.mark.parametrize(("scale", "beta"), [(0.1, 1.0), (0.003, 1.0), (0.7, 2.0), (3.0, 1.0)])
def test_softmax_is_near_the_real_one(mode: Any, scale: float, beta: float) -> None:
    b = Builder(requant=mode)
    x = b.input("x", (50, 37), scale, 5)
    y = b.softmax(x, beta=beta)
    b.output(y)
    data = np.random.default_rng(4).integers(-128, 128, (50, 37), np.int8)
    logits = np.float64(np.float32(scale)) * beta * (data.astype(float) - 5)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    real = np.minimum(exponentials / exponentials.sum(axis=1, keepdims=True) * 256 - 128, 127)
    assert np.abs(reference.run(b.build(), {"x": data})[y] - real).max() < 0.51


@pytest.mark.parametrize("mode", ["float32", "fixed"])
def test_softmax_of_equal_values_is_uniform(mode: Any) -> None:
    for n, expected in ((1, 127), (2, 0), (4, -64), (256, -127), (600, -128)):
        b = Builder(requant=mode)
        y = b.softmax(b.input("x", (1, n), 0.1, 0))
        b.output(y)
        assert set(reference.run(b.build(), {"x": np.full((1, n), -128, np.int8)})[y].ravel()) == {expected}


@pytest.mark.parametrize("scale", [0.0005, 0.02, 0.3, 2.0, 40.0])
def test_fixed_exponentials_are_near_the_real_ones(scale: float) -> None:
    table = softmax_table(Requant.FIXED, scale)
    real = np.exp(-np.float64(np.float32(scale)) * np.arange(256))
    assert table[0] == 2**31 - 1
    assert np.abs(table / 2**31 - real).max() < 1e-6


def test_reciprocal_is_near_the_real_one() -> None:
    a = np.linspace(0, 2**31 - 1, 1001).astype(np.int64)
    assert np.abs(one_over_one_plus_x(a) / 2**31 - 1 / (1 + a / 2**31)).max() < 1e-8


def test_first_extreme_wins() -> None:
    x = np.int8([[3, 9, 9, -128, -128]])
    assert single(lambda b, x: b.arg_max(x), x=x) == 1
    assert single(lambda b, x: b.arg_min(x, dtype=np.int32), x=x) == 3


def test_nan_is_the_most_extreme() -> None:
    x = np.float32([[3, np.inf, np.nan, -np.inf, np.nan]])
    assert single(lambda b, x: b.arg_max(x), x=x) == 2
    assert single(lambda b, x: b.arg_min(x), x=x) == 2
    assert single(lambda b, x: b.arg_min(x), x=np.float32([[0.0, -0.0]])) == 0


def test_nearest_tables_by_hand() -> None:
    assert nearest_table(4, 8).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert nearest_table(4, 3).tolist() == [0, 1, 2]
    assert nearest_table(4, 3, half_pixel_centers=True).tolist() == [0, 2, 3]
    # 0, 1.5, 3: halves round up.
    assert nearest_table(4, 3, align_corners=True).tolist() == [0, 2, 3]
    assert nearest_table(5, 1, align_corners=True).tolist() == [0]


@pytest.mark.parametrize(("mode", "unit"), [(Requant.FLOAT32, 2048), (Requant.FIXED, 1024)])
def test_bilinear_tables_by_hand(mode: Requant, unit: int) -> None:
    half = unit // 2
    assert bilinear_table(mode, 2, 4).tolist() == [[0, 1, 0], [0, 1, half], [1, 1, 0], [1, 1, 0]]
    assert bilinear_table(mode, 2, 3, align_corners=True).tolist() == [[0, 1, 0], [0, 1, half], [1, 1, 0]]
    # -1/4 is the edge, then 1/4, 3/4, and 5/4 is the other edge.
    expected = [[0, 1, 0], [0, 1, half // 2], [0, 1, unit - half // 2], [1, 1, 0]]
    assert bilinear_table(mode, 2, 4, half_pixel_centers=True).tolist() == expected


@pytest.mark.parametrize("output", [1, 2, 3, 7, 2048, 10000])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("corners", [{}, {"align_corners": True}, {"half_pixel_centers": True}])
def test_resize_tables_stay_inside(size: int, output: int, corners: dict[str, bool]) -> None:
    nearest = nearest_table(size, output, **corners)
    assert nearest.min() >= 0
    assert nearest.max() < size
    for mode, unit in BILINEAR_UNITS.items():
        bilinear = bilinear_table(mode, size, output, **corners)
        assert bilinear[:, :2].min() >= 0
        assert bilinear[:, :2].max() < size
        assert bilinear[:, 2].min() >= 0
        assert bilinear[:, 2].max() <= unit


def test_bilinear_rounds_halves_up_or_away_from_zero() -> None:
    for low, high, up, away in ((1, 2, 2, 2), (-1, -2, -1, -2), (-128, 127, 0, -1)):
        x = np.int8([low, high]).reshape(1, 1, 2, 1)
        for requant, middle in (("float32", up), ("fixed", away)):
            b = Builder(requant)
            name = b.resize_bilinear(b.input("x", x.shape, 1.0), (1, 3), align_corners=True)
            b.output(name)
            y = reference.run(b.build(), {"x": x})[name]
            assert y.ravel().tolist() == [low, middle, high]


def test_quantize_by_hand() -> None:
    x = np.float32([0.5, 1.5, -0.5, 2.5, np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-45])
    even = single(lambda b, x: b.quantize(x, 1.0, 3), x=x)
    assert even.tolist() == [3, 5, 3, 5, 3, 127, -128, 127, 3, 3]
    away = single(lambda b, x: b.quantize(x, 1.0, 3, rounding=Rounding.HALF_AWAY), x=x)
    assert away.tolist() == [4, 5, 2, 6, 3, 127, -128, 127, 3, 3]


def test_dequantize_is_one_float32_product() -> None:
    b = Builder()
    y = b.dequantize(b.input("x", (256,), 0.1, 5))
    b.output(y)
    q = np.arange(-128, 128).astype(np.int8)
    expected = [np.float32(int(v) - 5) * np.float32(0.1) for v in q]
    assert reference.run(b.build(), {"x": q})[y].tolist() == [float(v) for v in expected]


def test_pad_of_floats_takes_a_bit_pattern() -> None:
    bits = int(np.float32(-1.5).view(np.int32))
    y = single(lambda b, x: b.pad(x, [(1, 0)], bits), x=np.float32([2.0]))
    assert y.tolist() == [-1.5, 2.0]


def test_uint8_ports_are_shifted() -> None:
    b = Builder()
    x = b.input("x", (3,), 1.0, 128, "uint8")
    b.output(b.reshape(x, (3, 1), name="y"), "uint8")
    graph = b.build()
    assert graph.tensors["x"].zero_point == 0
    data = np.uint8([0, 128, 255])
    assert reference.run(graph, {"x": data})["y"].ravel().tolist() == data.tolist()
    assert reference.run(graph, {"x": data}, all_tensors=True)["x"].tolist() == [-128, 0, 127]


def _averaged() -> Graph:
    b = Builder()
    b.output(b.mean(b.input("x", (2, 3), 1.0, 0), (1,), 1.0, 0, name="y"))
    return b.build()


def test_batches_are_independent_runs() -> None:
    graph = _averaged()
    data = np.arange(18, dtype=np.int8).reshape(6, 3)
    assert reference.run(graph, {"x": data})["y"].tolist() == [1, 4, 7, 10, 13, 16]
    assert reference.run(graph, {"x": data[:0]})["y"].shape == (0,)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({}, InputError, r"inputs: expected \[x\], got \[\]"),
        ({"x": np.zeros((2, 3)), "z": np.zeros(1)}, InputError, r"got \[x, z\]"),
        ({"x": np.zeros((2, 3))}, DTypeError, "input 'x': dtype: expected int8, got float64"),
        ({"x": np.zeros((2, 4), np.int8)}, ShapeError, r"input 'x': shape: expected \[2, 3\], got \[2, 4\]"),
        ({"x": np.zeros(6, np.int8)}, ShapeError, r"input 'x': shape: expected \[2, 3\], got \[6\]"),
        ({"x": np.zeros((3, 3), np.int8)}, ShapeError, "leading axis"),
    ],
)
def test_wrong_inputs_are_named(inputs: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        reference.run(_averaged(), inputs)


def test_inputs_are_left_alone() -> None:
    data = np.arange(6, dtype=np.int8).reshape(2, 3)
    data.flags.writeable = False
    strided = np.arange(12, dtype=np.int8).reshape(2, 6)[:, ::2]
    assert reference.run(_averaged(), {"x": data})["y"].tolist() == [1, 4]
    assert reference.run(_averaged(), {"x": strided})["y"].tolist() == [2, 8]

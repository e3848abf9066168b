"""Float32 ops on every tier: equal to the oracle in every bit, infinities, signed zeros and subnormals included."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from float_op_makers import SPECIAL, floats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

import intaglio
from intaglio import cpu
from intaglio.builder import Builder
from intaglio.graph import Graph
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary

OPS = [
    "float_conv2d",
    "float_depthwise_conv2d",
    "float_transposed_conv2d",
    "float_matmul",
    "float_binary",
    "float_unary",
    "float_pool2d",
    "float_reduce",
    "float_softmax",
    "float_resize_bilinear",
    "float_prelu",
]

#: Float32 numbers of every exponent and sign, and the special ones.
PATTERNS = np.concatenate([SPECIAL, np.arange(0, 2**32, 85_021, dtype=np.uint32).view(np.float32)])


@pytest.mark.parametrize("op", OPS)
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


@pytest.mark.parametrize("kind", FloatUnary, ids=lambda kind: kind.name)
def test_unary_functions_of_all_magnitudes(kind: FloatUnary, isa: str) -> None:
    step = 16 if kind in (FloatUnary.SIN, FloatUnary.COS) else 1
    x = PATTERNS[::step]
    b = Builder()
    y = b.float_unary(kind, b.input("x", x.shape, dtype="float32"), [-0.37, 0.81][: len(kind.parameters)])
    b.output(y)
    expect_oracle(b.build(), {"x": x}, isa, threads=2)


@pytest.mark.parametrize("kind", FloatBinary, ids=lambda kind: kind.name)
def test_every_pair_of_special_values(kind: FloatBinary, isa: str) -> None:
    values = np.concatenate([SPECIAL, np.array([2, 3, -3, -2, 7.5, 1e-30, 2**24, -(2**25)], np.float32)])
    b = Builder()
    first = b.input("a", (len(values), 1), dtype="float32")
    b.output(b.float_binary(kind, first, b.input("b", values.shape, dtype="float32")))
    expect_oracle(b.build(), {"a": values[:, None], "b": values}, isa)


def ties() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """a, b, c with a * b + c beside the middle of two float32 numbers, by less than float64 can tell."""
    rng = np.random.default_rng(5)
    a = 1 + rng.integers(0, 2**12, 4096) * 2.0**-12
    b = 1 + rng.integers(0, 2**12, 4096) * 2.0**-12
    c = rng.choice([1, -1], 4096) * 2.0 ** -rng.integers(24, 140, 4096)
    return a.astype(np.float32), b.astype(np.float32), c.astype(np.float32)


def test_products_are_rounded_once(isa: str) -> None:
    a, b, c = ties()
    builder = Builder()
    x = builder.input("x", (1, 1, 1, len(a)), dtype="float32")
    builder.output(builder.float_depthwise_conv2d(x, b.reshape(1, 1, -1), c))
    rows = builder.input("rows", (1, 200, 1, 1), dtype="float32")
    builder.output(builder.float_conv2d(rows, b[:300].reshape(-1, 1, 1, 1), c[:300]))
    expect_oracle(builder.build(), {"x": a.reshape(1, 1, 1, -1), "rows": a[:200].reshape(1, -1, 1, 1)}, isa)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("shape", "weights", "arguments"),
    [
        ((1, 9, 31, 67), (33, 3, 3, 67), {"padding": "same"}),
        ((1, 5, 5, 300), (50, 1, 1, 300), {}),
        ((2, 20, 20, 24), (48, 3, 3, 12), {"groups": 2, "stride": 2, "padding": "same"}),
        ((1, 1, 400, 40), (16, 1, 1, 40), {}),
        ((1, 3, 4, 520), (200, 2, 2, 520), {"dilation": 2, "padding": (1, 1, 1, 1)}),
    ],
)
def test_long_sums_and_many_rows(
    shape: tuple[int, ...], weights: tuple[int, ...], arguments: dict[str, object], threads: int, isa: str
) -> None:
    """Sums of several stretches, blocks of rows, and parts cut along every axis."""
    rng = np.random.default_rng(3)
    b = Builder()
    x = b.input("x", shape, dtype="float32")
    b.output(b.float_conv2d(x, floats(rng, weights), floats(rng, weights[:1]), **arguments))  # type: ignore[arg-type]
    expect_oracle(b.build(), {"x": floats(rng, shape)}, isa, threads)


@pytest.mark.parametrize("columns", [1, 5, 16, 17, 40])
def test_matrix_of_all_rows(columns: int, isa: str) -> None:
    rng = np.random.default_rng(4)
    b = Builder()
    a = b.input("a", (3, 50, 290), dtype="float32")
    b.output(b.float_matmul(a, floats(rng, (290, columns)), floats(rng, (columns,))))
    expect_oracle(b.build(), {"a": floats(rng, (3, 50, 290))}, isa, threads=2)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 1000])
@pytest.mark.parametrize("log", [False, True])
def test_softmax_of_special_values(size: int, log: bool, isa: str) -> None:
    rng = np.random.default_rng(6)
    x = floats(rng, (60, size))
    x[1::3] = rng.choice(SPECIAL[3:], (20, size))
    x[2::6] = rng.choice(SPECIAL, (10, size))
    x[0], x[3] = -np.inf, -0.0
    b = Builder()
    b.output(b.float_softmax(b.input("x", x.shape, dtype="float32"), log=log))
    expect_oracle(b.build(), {"x": x}, isa, threads=2)


@pytest.mark.parametrize("kind", FloatReduce, ids=lambda kind: kind.name)
@pytest.mark.parametrize("axes", [(0,), (1, 2), (3,), (0, 2), (1, 3), (0, 1, 2, 3), ()])
def test_reductions_over_any_axes(kind: FloatReduce, axes: tuple[int, ...], isa: str) -> None:
    x = floats(np.random.default_rng(7), (4, 20, 7, 70), special=0.001)
    b = Builder()
    b.output(b.float_reduce(kind, b.input("x", x.shape, dtype="float32"), axes))
    expect_oracle(b.build(), {"x": x}, isa, threads=2)


@pytest.mark.parametrize("op", ["arg_max", "arg_min"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_extremes_of_special_values(op: str, axis: int, isa: str) -> None:
    """Ties, zeros of both signs, subnormals and NaNs of both signs; NaN wins, and the first of equals."""
    rng = np.random.default_rng(9)
    x = np.concatenate([floats(rng, (40, 9, 70), special) for special in (0.0, 0.02, 1.0)], axis=0)
    x[-5:] = rng.choice([0.0, -0.0], (5, 9, 70))
    x[-10:-5] = np.copysign(rng.choice([np.nan, 0.0], (5, 9, 70)), rng.choice([-1, 1], (5, 9, 70)))
    b = Builder()
    b.output(getattr(b, op)(b.input("x", x.shape, dtype="float32"), axis))
    expect_oracle(b.build(), {"x": x}, isa, threads=2)


@pytest.mark.parametrize("op", ["arg_max", "arg_min"])
def test_extremes_of_every_exponent(op: str, isa: str) -> None:
    x = np.random.default_rng(10).permutation(np.resize(PATTERNS, (7001, 7)))
    b = Builder()
    b.output(getattr(b, op)(b.input("x", x.shape, dtype="float32")))
    expect_oracle(b.build(), {"x": np.where(np.isnan(x), 0, x)}, isa)


@pytest.mark.parametrize("kind", FloatPool, ids=lambda kind: kind.name)
def test_pooling_of_special_values(kind: FloatPool, isa: str) -> None:
    x = floats(np.random.default_rng(8), (2, 30, 30, 35), special=0.05)
    b = Builder()
    b.output(b.float_pool2d(kind, b.input("x", x.shape, dtype="float32"), 3, stride=2, padding=(1, 0, 1, 2)))
    expect_oracle(b.build(), {"x": x}, isa, threads=2)


def test_subnormals_survive_the_callers_settings(isa: str) -> None:
    """Tiny numbers are neither flushed on the way in nor on the way out."""
    tiny = np.array([1e-40, -1e-45, 1.1754944e-38], np.float32)
    b = Builder()
    b.output(b.float_binary(FloatBinary.MUL, b.input("x", (3,), dtype="float32"), b.constant(np.float32([0.5]))))
    np.testing.assert_array_equal(intaglio.load(b.build(), isa=isa)(tiny), tiny * np.float32(0.5))


def float_network() -> Graph:
    rng = np.random.default_rng(9)
    b = Builder()
    x = b.input("x", (1, 33, 31, 3), dtype="float32")
    y = b.float_conv2d(x, floats(rng, (40, 3, 3, 3)), stride=2, padding="same", activation="relu6")
    y = b.float_depthwise_conv2d(y, floats(rng, (3, 3, 40)), padding="same")
    y = b.float_binary(FloatBinary.ADD, y, b.float_unary(FloatUnary.GELU, y))
    y = b.float_transposed_conv2d(y, floats(rng, (10, 2, 2, 40)), stride=2)
    y = b.float_pool2d(FloatPool.AVERAGE, b.float_prelu(y, floats(rng, (10,))), 3, stride=2, padding="same")
    y = b.float_reduce(FloatReduce.MEAN, b.float_unary(FloatUnary.TANH, y), (1,))
    b.output(b.float_softmax(b.float_matmul(y, floats(rng, (10, 25)))))
    return b.build()


def test_one_answer_on_all_tiers_threads_and_batches() -> None:
    graph, x = float_network(), floats(np.random.default_rng(10), (7, 33, 31, 3))
    answers = {
        intaglio.load(graph, isa=isa, threads=threads)(x if whole else x[:1])[:1].tobytes()
        for isa in cpu.tiers()
        for threads in (1, 2)
        for whole in (True, False)
    }
    assert len(answers) == 1

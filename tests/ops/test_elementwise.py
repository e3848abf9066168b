"""add, sub, mul, maximum, minimum and lookup on every tier."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import Mode, expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

from intaglio.builder import Builder
from intaglio.graph import AttrValue
from intaglio.opset import SCALED_SUM
from intaglio.quantization import Requantization

BINARY = ["add", "sub", "mul", "maximum", "minimum"]
MODES = ["float32", "fixed"]
EVERY = np.arange(-128, 128, dtype=np.int8)


@pytest.mark.parametrize("op", [*BINARY, "lookup"])
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


def binary(b: Builder, op: str, a: str, other: str, out_zero_point: int = 3) -> str:
    if op in ("maximum", "minimum"):
        return str(getattr(b, op)(a, other))
    return str(getattr(b, op)(a, other, 0.11 if op == "mul" else 0.09, out_zero_point))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("zero_points", [(-128, 127, 0), (127, -128, -128), (127, 127, 127), (5, -9, 4)])
@pytest.mark.parametrize("op", BINARY)
def test_every_pair_of_values(op: str, zero_points: tuple[int, int, int], mode: Mode, isa: str) -> None:
    b = Builder(requant=mode)
    za, zb, zy = zero_points
    same = op in ("maximum", "minimum")
    x = b.input("a", (256, 1), 0.07, za)
    y = b.input("b", (256,), 0.07 if same else 0.031, za if same else zb)
    b.output(binary(b, op, x, y, zy))
    expect_oracle(b.build(), {"a": EVERY[:, None], "b": EVERY}, isa)


@pytest.mark.parametrize(
    "scales", [(0.0233, 0.0311, -4.7), (1.5, 0.25, 1000.0), (0.5, 0.5, 0.0), (2.0**20, 1e-40, 0.0), (1.0, 1.0, 2.0**30)]
)
@pytest.mark.parametrize("origin", [0, 128])
@pytest.mark.parametrize("op", ["add", "sub"])
def test_scaled_sums(op: str, origin: int, scales: tuple[float, float, float], isa: str) -> None:
    b = Builder()
    names = b.input("a", (256, 1), 0.5, 3), b.input("b", (256,), 0.5, -3)
    bits = tuple(int(n) for n in np.array(scales, np.float32).view(np.int32))
    attrs: dict[str, AttrValue] = {"requant": SCALED_SUM, "clamp": (-120, 126), "multiplier": bits}
    b.output(b.node(op, names, {**attrs, "shift": (origin, 0, 0), "left_shift": 0}, shape=(256, 256), scale=0.5))
    expect_oracle(b.build(), {"a": EVERY[:, None], "b": EVERY}, isa)


@pytest.mark.parametrize("shapes", [
    ((1, 40, 41, 64), (1, 40, 41, 64)),
    ((1, 40, 41, 64), (1, 1, 1, 64)),
    ((1, 40, 41, 1), (1, 40, 41, 64)),
    ((200001,), (1,)),
    ((2, 1, 300, 1), (1, 300, 1, 3)),
])  # fmt: skip
@pytest.mark.parametrize("op", BINARY)
def test_split_over_threads(op: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], isa: str) -> None:
    rng = np.random.default_rng(1)
    b = Builder()
    first, second = (b.input(name, shape, 0.05, -7) for name, shape in zip("ab", shapes, strict=True))
    b.output(binary(b, op, first, second))
    inputs = {n: rng.integers(-128, 128, s, np.int8) for n, s in zip("ab", shapes, strict=True)}
    expect_oracle(b.build(), inputs, isa, threads=2)


@pytest.mark.parametrize("scale", [2.0**30, 1e-30])
def test_mul_saturates_whatever_the_scale(scale: float, isa: str) -> None:
    b = Builder()
    names = b.input("a", (256, 1), 0.5, 127), b.input("b", (256,), 0.5, 127)
    b.output(b.mul(*names, 1.0, 9, requantization=Requantization.of_scales(scale)))
    expect_oracle(b.build(), {"a": EVERY[:, None], "b": EVERY}, isa)


def lookup_input(length: int) -> NDArray[np.int8]:
    return np.resize(np.random.default_rng(2).permutation(EVERY), length)


@pytest.mark.parametrize("length", [1, 31, 32, 33, 63, 64, 65, 256, 300, 100003])
def test_lookup_of_every_value(length: int, isa: str) -> None:
    b = Builder()
    table = np.random.default_rng(3).permutation(EVERY)
    b.output(b.lookup(b.input("x", (length,), 0.1, 0), table, 0.2, 5))
    expect_oracle(b.build(), {"x": lookup_input(length)}, isa, threads=2)

"""Pooling, mean, arg max and arg min on every tier."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import Mode, expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from intaglio.builder import Builder
from intaglio.opset import Rounding

ROUNDINGS = [Rounding.HALF_AWAY, Rounding.HALF_UP]


@pytest.mark.parametrize("op", ["max_pool2d", "average_pool2d", "mean", "arg_max", "arg_min"])
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 9, 16, 49, 63, 64, 121])
def test_average_of_every_sum(count: int, rounding: Rounding, isa: str) -> None:
    """Channel c sums to the c-th of the sums that `count` values can have."""
    sums = np.arange(-128 * count, 127 * count + 1)
    low = sums // count
    x = low + (np.arange(count)[:, None] < sums - low * count)
    assert np.array_equal(x.sum(axis=0), sums)
    b = Builder()
    b.output(b.average_pool2d(b.input("x", (1, 1, count, len(sums)), 0.1, 4), (1, count), rounding=rounding))
    expect_oracle(b.build(), {"x": x.astype(np.int8)[None, None]}, isa)


@pytest.mark.parametrize("value", [-128, 0, 127])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_average_of_a_large_window(rounding: Rounding, value: int, isa: str) -> None:
    b = Builder()
    b.output(b.average_pool2d(b.input("x", (1, 700, 701, 3), 0.1, 4), (700, 701), rounding=rounding))
    x = np.full((1, 700, 701, 3), value, np.int8)
    x[..., 1] = np.random.default_rng(1).integers(-128, 128, x.shape[:3])
    expect_oracle(b.build(), {"x": x}, isa)


@pytest.mark.parametrize("shape", [(1, 7, 7, 1280), (2, 28, 28, 96), (1, 112, 112, 8), (1, 33, 31, 1)])
@pytest.mark.parametrize("op", ["max_pool2d", "average_pool2d"])
def test_pools_of_networks(op: str, shape: tuple[int, ...], isa: str) -> None:
    rng = np.random.default_rng(2)
    b = Builder()
    x = b.input("x", shape, 0.1, -128)
    b.output(getattr(b, op)(x, (3, 3), stride=(2, 2), padding="same", activation="relu6"))
    b.output(getattr(b, op)(x, shape[1:3]))
    expect_oracle(b.build(), {"x": rng.integers(-128, 128, shape, np.int8)}, isa, threads=2)


@pytest.mark.parametrize("mode", ["float32", "fixed"])
@pytest.mark.parametrize("axes", [(1, 2), (3,), (0,), (0, 2), (1, 3), (0, 1, 2, 3), (2,), ()])
def test_mean_over_any_axes(axes: tuple[int, ...], mode: Mode, isa: str) -> None:
    rng = np.random.default_rng(3)
    b = Builder(requant=mode)
    b.output(b.mean(b.input("x", (3, 50, 20, 130), 0.1, -128), axes, 0.01, 100))
    expect_oracle(b.build(), {"x": rng.integers(-128, 128, (3, 50, 20, 130), np.int8)}, isa, threads=2)


def test_mean_over_alternate_axes_of_eight(isa: str) -> None:
    rng = np.random.default_rng(4)
    shape = (2, 3, 2, 3, 2, 3, 2, 3)
    for axes in ((0, 2, 4, 6), (1, 3, 5, 7)):
        b = Builder()
        b.output(b.mean(b.input("x", shape, 0.1, 5), axes, 0.01, -3))
        expect_oracle(b.build(), {"x": rng.integers(-128, 128, shape, np.int8)}, isa)


@pytest.mark.parametrize("op", ["arg_max", "arg_min"])
def test_first_of_equals(op: str, isa: str) -> None:
    for axis in range(3):
        b = Builder()
        b.output(getattr(b, op)(b.input("x", (40, 50, 60), 0.1, 0), axis))
        expect_oracle(b.build(), {"x": np.random.default_rng(5).integers(-2, 2, (40, 50, 60), np.int8)}, isa, threads=2)

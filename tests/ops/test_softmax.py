"""Softmax in both modes on every tier."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import Mode, expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

from intaglio.builder import Builder


@random_graphs
@given(data=st.data())
def test_random(isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs("softmax")), isa)


def rows(length: int) -> NDArray[np.int8]:
    """Random values, all equal, all at one end but one, and a ramp."""
    rng = np.random.default_rng(length)
    peak = np.full(length, -128)
    peak[length // 2] = 127
    parts = [rng.integers(-128, 128, (4, length)), np.full((1, length), -128), peak[None]]
    return np.concatenate([*parts, np.resize(np.arange(-128, 128), (1, length))]).astype(np.int8)


@pytest.mark.parametrize("mode", ["float32", "fixed"])
@pytest.mark.parametrize("length", [1, 2, 10, 63, 64, 65, 255, 256, 257, 1001, 4095])
@pytest.mark.parametrize("scale", [0.001, 0.1, 1.0])
def test_lengths_and_scales(scale: float, length: int, mode: Mode, isa: str) -> None:
    b = Builder(requant=mode)
    x = rows(length)
    b.output(b.softmax(b.input("x", x.shape, scale, 17)))
    expect_oracle(b.build(), {"x": x}, isa, threads=2)


def test_the_longest_axis(isa: str) -> None:
    b = Builder()
    x = np.full((1, 2**20), -128, np.int8)
    x[0, :: 2**18] = [127, 126, 127, 120]
    b.output(b.softmax(b.input("x", x.shape, 0.2, 17), 2.0**-10, -128))
    expect_oracle(b.build(), {"x": x}, isa)

"""Reshape, transpose, slice, pad, concat and broadcast_to on every tier."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

from intaglio.builder import Builder

DTYPES = ["int8", "int32", "int64", "float32"]


@pytest.mark.parametrize("op", ["reshape", "transpose", "slice", "pad", "concat", "broadcast_to"])
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


def values(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Random bits of the dtype."""
    rng = np.random.default_rng(1)
    if dtype == "float32":
        return rng.standard_normal(shape, np.float32)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def source(b: Builder, shape: tuple[int, ...], dtype: str) -> str:
    return b.input("x", shape, 0.1, 5) if dtype == "int8" else b.input("x", shape, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_transpose_of_four_axes(dtype: str, isa: str) -> None:
    shape = (3, 33, 20, 17)
    b = Builder()
    x = source(b, shape, dtype)
    for permutation in permutations(range(4)):
        b.output(b.transpose(x, permutation))
    expect_oracle(b.build(), {"x": values(shape, dtype)}, isa, threads=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 15), (4, 4), (1, 17), (31, 1), (7, 19), (120, 110)])
def test_planes_become_pixels_and_back(size: tuple[int, int], isa: str) -> None:
    b = Builder()
    for channels in (2, 3, 4):
        planes = b.input(f"planes{channels}", (2, channels, *size), 0.1, 5)
        pixels = b.transpose(planes, (0, 2, 3, 1))
        b.output(pixels)
        b.output(b.transpose(b.maximum(pixels, pixels), (0, 3, 1, 2)))
    graph = b.build()
    inputs = {port.tensor: values(graph.tensors[port.tensor].shape, "int8") for port in graph.inputs}
    expect_oracle(graph, inputs, isa, threads=2)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 16, 24])
def test_blocks_of_channels_move_whole(channels: int, isa: str) -> None:
    shape = (1, 40, 60, channels)
    b = Builder()
    x = source(b, shape, "int8")
    b.output(b.transpose(x, (0, 2, 1, 3)))
    b.output(b.strided_slice(x, (0, 39, 1, 0), (1, None, 60, channels), (1, -2, 3, 1)))
    b.output(b.pad(x, [(0, 0), (1, 2), (3, 0), (0, 0)], -128))
    b.output(b.concat([x, x], 3))
    expect_oracle(b.build(), {"x": values(shape, "int8")}, isa, threads=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_to_move(dtype: str, isa: str) -> None:
    b = Builder()
    x = source(b, (2, 0, 3), dtype)
    b.output(b.transpose(x, (2, 0, 1)))
    b.output(b.pad(x, [(0, 0), (1, 1), (0, 0)], 7))
    b.output(b.concat([x, x], 1))
    b.output(b.reshape(x, (0, 6)))
    expect_oracle(b.build(), {"x": values((2, 0, 3), dtype)}, isa)


def test_constants_move_too(isa: str) -> None:
    b = Builder()
    x = b.input("x", (2, 3), 0.1, 5)
    constant = b.constant(values((2, 3), "int8"), 0.1, 5)
    b.output(b.concat([constant, x, constant], 0))
    b.output(b.transpose(constant, (1, 0)))
    b.output(b.reshape(constant, (6,)))
    expect_oracle(b.build(), {"x": values((2, 3), "int8")}, isa)

"""Resizing on every tier."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from intaglio.builder import Builder


@pytest.mark.parametrize("op", ["resize_nearest", "resize_bilinear"])
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


@pytest.mark.parametrize("corners", ["none", "align_corners", "half_pixel_centers"])
@pytest.mark.parametrize("channels", [1, 3, 19, 64, 200])
@pytest.mark.parametrize("op", ["resize_nearest", "resize_bilinear"])
def test_large_images(op: str, channels: int, corners: str, isa: str) -> None:
    b = Builder()
    x = b.input("x", (2, 17, 13, channels), 0.1, 5)
    b.output(getattr(b, op)(x, (31, 40), **({} if corners == "none" else {corners: True})))
    inputs = {"x": np.random.default_rng(1).integers(-128, 128, (2, 17, 13, channels), np.int8)}
    expect_oracle(b.build(), inputs, isa, threads=2)


@pytest.mark.parametrize("requant", ["float32", "fixed"])
def test_bilinear_halves(requant: Literal["float32", "fixed"], isa: str) -> None:
    """Weights of a half between all pairs of neighbouring values, on both sides of zero."""
    b = Builder(requant)
    b.output(b.resize_bilinear(b.input("x", (1, 256, 1, 256), 0.1, 0), (256, 1)))
    graph = b.build()
    node = graph.nodes[0]
    halves = np.array([[i, min(i + 1, 255), 1024 if requant == "float32" else 512] for i in range(256)], np.int32)
    tensors = {**graph.tensors, node.inputs[1]: replace(graph.tensors[node.inputs[1]], constant=halves)}
    values = np.arange(-128, 128)
    x = np.where(np.arange(256)[:, None] % 2 == 0, values, values[::-1]).astype(np.int8)
    expect_oracle(replace(graph, tensors=tensors), {"x": x[None, :, None, :]}, isa)

"""quantize and dequantize on every tier."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from intaglio.builder import Builder
from intaglio.opset import Rounding


@pytest.mark.parametrize("op", ["quantize", "dequantize"])
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


@pytest.mark.parametrize("rounding", [Rounding.HALF_EVEN, Rounding.HALF_AWAY])
@pytest.mark.parametrize("scale", [1.0, 0.1, 2.0**-20, 3e30, 2e-38])
@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_quantize_around_every_tie(zero_point: int, scale: float, rounding: Rounding, isa: str) -> None:
    ties = np.arange(-600, 601).astype(np.float32) / 2 * np.float32(scale)
    around = [ties, np.nextafter(ties, np.float32(np.inf)), np.nextafter(ties, np.float32(-np.inf))]
    special = np.array([np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45], np.float32)
    x = np.concatenate([*around, special]).astype(np.float32)
    b = Builder()
    b.output(b.quantize(b.input("x", x.shape, dtype="float32"), scale, zero_point, rounding=rounding))
    expect_oracle(b.build(), {"x": x}, isa)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1e36, 2e-38])
def test_dequantize_every_value(scale: float, isa: str) -> None:
    x = np.resize(np.arange(-128, 128, dtype=np.int8), 1000)
    b = Builder()
    b.output(b.dequantize(b.input("x", x.shape, scale, 127)))
    expect_oracle(b.build(), {"x": x}, isa)

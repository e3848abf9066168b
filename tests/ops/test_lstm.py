"""lstm on every tier, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from refusals import expect_refused
from strategies import graphs
from test_refusals import changed, with_attrs, with_tensor

import intaglio
from intaglio.builder import Builder
from intaglio.errors import Error, ModelFormatError, QuantizationError, ShapeError
from intaglio.graph import Graph


@random_graphs
@given(data=st.data())
def test_random(isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs("lstm")), isa)


def layer(batch: int = 2, steps: int = 3, depth: int = 5, units: int = 4, **options: Any) -> Graph:
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.input("x", (batch, steps, depth), 0.02, 3)
    weights = rng.integers(-128, 128, (4, units, depth)), rng.integers(-128, 128, (4, units, units))
    bias = rng.integers(-2000, 2000, (4, units))
    b.output(b.lstm(x, *weights, bias, [0.01] * 4, [0.02] * 4, 1 / 128, 0, name="it", **options))
    return b.build()


def test_sequences_on_threads(isa: str) -> None:
    graph = layer(4, 20, 90, 70)
    x = np.random.default_rng(1).integers(-128, 128, (4, 20, 90), np.int8)
    expect_oracle(graph, {"x": x}, isa, threads=2)


def test_runs_do_not_remember() -> None:
    model = intaglio.load(layer())
    x = np.random.default_rng(2).integers(-128, 128, (2, 3, 5), np.int8)
    (first,), (second,) = (model.run({"x": x}, raw=True).values() for _ in range(2))
    np.testing.assert_array_equal(first, second)


CASES: list[tuple[str, Graph, type[Error], str]] = [
    ("cell_bits", with_attrs(layer(), cell_bits=7), ModelFormatError, "cell_bits"),
    ("cell_clip", with_attrs(layer(), cell_clip=32768), ModelFormatError, "cell_clip"),
    ("multiplier", changed(layer(), 4, 2, -1), QuantizationError, "multiplier"),
    ("shift", changed(layer(), 5, 3, 31), QuantizationError, "shift"),
    ("shift_of_output", changed(layer(), 5, 8, 1), QuantizationError, "shift"),
    ("shifted_sum", changed(layer(), 5, 6, 30), QuantizationError, "accumulator"),
    ("sum", changed(layer(), 3, (1, 2), 2**31 - 1), QuantizationError, "accumulator"),
    (
        "weights",
        with_tensor(layer(), 1, shape=(4, 5, 4), constant=np.zeros((4, 5, 4), np.int8)),
        ShapeError,
        "input weight",
    ),
    ("output", with_tensor(layer(), -1, shape=(2, 2, 4)), ShapeError, "output"),
]


@pytest.mark.parametrize(("graph", "error", "about"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_refused(graph: Graph, error: type[Error], about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expect_refused(graph, error, about, monkeypatch)

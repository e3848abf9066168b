"""Comparing the engine with the oracle, bit for bit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

import intaglio
from intaglio import reference
from intaglio.graph import Graph

Mode = Literal["float32", "fixed"]

#: For tests that draw random graphs: the fixture `isa` is a constant, so it may be shared by all examples.
random_graphs = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def expect_oracle(graph: Graph, inputs: dict[str, NDArray[Any]], isa: str, threads: int = 1) -> None:
    """Every output of the engine equals the oracle's, in type, shape and bits; of NaN the bits do not count."""
    expected = reference.run(graph, inputs)
    model = intaglio.load(graph, isa=isa, threads=threads)
    # A short run leaves sleeping workers alone unless it follows another at once.
    runs = [model.run(inputs, raw=True) for _ in range(1 if threads == 1 else 3)]
    for outputs in runs:
        assert outputs.keys() == expected.keys()
        for name, array in outputs.items():
            want = expected[name]
            assert (array.dtype, array.shape) == (want.dtype, want.shape)
            if _bits(array) != _bits(want):
                np.testing.assert_array_equal(array, want, err_msg=f"'{name}' of {graph.nodes[-1]}")
                raise AssertionError(f"'{name}' of {graph.nodes[-1]}: equal values of different bits")


def _bits(array: NDArray[Any]) -> bytes:
    return (np.where(np.isnan(array), np.float32(np.nan), array) if array.dtype == np.float32 else array).tobytes()

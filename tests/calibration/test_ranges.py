"""Histograms of streams, and the ranges chosen from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from intaglio.calibration import METHODS, Histogram

#: Of sizes that float32 can tell apart after scaling.
_SIZES = st.floats(2.0**-30, 2.0**80, width=32)
FINITE = st.one_of(st.just(0.0), _SIZES, _SIZES.map(lambda size: -size))


def histogram_of(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(part.astype(np.float32))
    return histogram


def squared_error(values: np.ndarray, low: float, high: float) -> float:
    """Of rounding to the 256 numbers of a grid that covers [low, high]."""
    scale = (high - low) / 255
    zero = np.rint(-128 - low / scale)
    integers = np.clip(np.rint(values / scale) + zero, -128, 127)
    return float(np.mean(((integers - zero) * scale - values) ** 2))


@given(st.lists(arrays.arrays(np.float32, st.integers(1, 20), elements=FINITE), min_size=1, max_size=6))
def test_histograms_do_not_depend_on_order_or_parts(parts: list[np.ndarray]) -> None:
    streamed, reversed_, whole = histogram_of(*parts), histogram_of(*parts[::-1]), histogram_of(np.concatenate(parts))
    assert streamed.to_json() == reversed_.to_json() == whole.to_json()
    assert whole.total == sum(part.size for part in parts)
    assert whole.zeros == sum((part == 0).sum() for part in parts)


@given(arrays.arrays(np.float32, st.integers(1, 50), elements=FINITE))
def test_histograms_count_every_bin(values: np.ndarray) -> None:
    histogram = histogram_of(values)
    nonzero = values[values != 0].astype(np.float64)
    expected, _ = np.histogram(nonzero, histogram.edges)
    np.testing.assert_array_equal(histogram.counts, expected)
    assert Histogram.from_json(histogram.to_json()).to_json() == histogram.to_json()


@given(arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(-1e6, 1e6, width=32)))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("symmetric", [False, True])
def test_every_range_holds_zero_and_lies_within_the_values(method: str, symmetric: bool, values: np.ndarray) -> None:
    low, high = METHODS[method](histogram_of(values), symmetric)
    assert low <= 0 <= high
    magnitude = np.abs(values).max()
    assert (-magnitude if symmetric else min(values.min(), 0)) <= low
    assert high <= (magnitude if symmetric else max(values.max(), 0))
    assert not symmetric or low == -high


def test_min_max() -> None:
    assert METHODS["min_max"](histogram_of(np.array([-1.5, 4])), False) == (-1.5, 4)
    assert METHODS["min_max"](histogram_of(np.array([-1.5, 4])), True) == (-4, 4)
    assert METHODS["min_max"](histogram_of(np.array([2.0, 4])), False) == (0, 4)


def test_percentile_leaves_out_one_value_of_ten_thousand() -> None:
    values = np.concatenate([np.linspace(-1, 1, 99_990), np.full(5, -50.0), np.full(5, 80.0)])
    bin_width = 128 / 2048
    low, high = METHODS["percentile"](histogram_of(values), False)
    assert low == pytest.approx(-1, abs=bin_width)
    assert high == pytest.approx(1, abs=bin_width)
    assert METHODS["percentile"](histogram_of(values), True)[1] == pytest.approx(1, abs=bin_width)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("kind", ["normal", "laplace", "rectified", "outliers"])
def test_mse_is_near_the_best_of_many_ranges(kind: str, symmetric: bool) -> None:
    rng = np.random.default_rng(3)
    values = {
        "normal": rng.normal(0.5, 1, 50_000),
        "laplace": rng.laplace(size=50_000),
        "rectified": np.maximum(rng.standard_normal(50_000), 0),
        "outliers": np.concatenate([rng.standard_normal(50_000), rng.uniform(20, 30, 5)]),
    }[kind]
    low, high = METHODS["min_max"](histogram_of(values), symmetric)
    shares = np.linspace(0.05, 1, 25)
    pairs = [(s, s) for s in shares] if symmetric else [(s, t) for s in shares for t in shares]
    best = min(squared_error(values, low * s, high * t) for s, t in pairs)
    assert squared_error(values, *METHODS["mse"](histogram_of(values), symmetric)) <= 1.03 * best


def test_entropy_leaves_out_far_values() -> None:
    values = np.concatenate([np.random.default_rng(4).standard_normal(200_000), np.full(3, 60.0)])
    low, high = METHODS["entropy"](histogram_of(values), True)
    assert 3 < high < 20
    assert low == -high


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_zeros(method: str) -> None:
    assert METHODS[method](histogram_of(np.zeros(5)), False) == (0, 0)

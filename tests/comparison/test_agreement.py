"""Measures of agreement over streams."""

from __future__ import annotations

import math

import numpy as np
import pytest

from intaglio.comparison import Agreement


def agreement_of(right: np.ndarray, given: np.ndarray, parts: int = 1) -> Agreement:
    agreement = Agreement()
    for x, y in zip(np.array_split(right, parts), np.array_split(given, parts), strict=True):
        agreement.add(x, y)
    return agreement


@pytest.mark.parametrize("parts", [1, 7])
def test_figures_are_those_of_their_definitions(parts: int) -> None:
    rng = np.random.default_rng(0)
    right = rng.standard_normal((70, 9)).astype(np.float32)
    given = np.where(rng.random((70, 9)) < 0.4, right, right + 0.1 * rng.standard_normal((70, 9))).astype(np.float32)
    found = agreement_of(right, given, parts)
    x, y = right.astype(np.float64).ravel(), given.astype(np.float64).ravel()
    assert found.count == 630
    assert found.mse == pytest.approx(np.mean((y - x) ** 2))
    assert found.sqnr == pytest.approx(10 * np.log10(np.sum(x**2) / np.sum((y - x) ** 2)))
    assert found.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
    assert found.largest == np.abs(y - x).max()
    assert found.equal == np.mean(x == y)


def test_without_errors_and_without_signal() -> None:
    ones, zeros = np.ones(4), np.zeros(4)
    assert (agreement_of(ones, ones).sqnr, agreement_of(ones, ones).cosine) == (math.inf, pytest.approx(1))
    assert (agreement_of(zeros, zeros).sqnr, agreement_of(zeros, zeros).cosine) == (math.inf, 1)
    assert (agreement_of(zeros, ones).sqnr, agreement_of(zeros, ones).cosine) == (-math.inf, 0)
    assert agreement_of(ones, ones).to_json()["sqnr"] is None

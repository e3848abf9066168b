"""The oracle's float32 arithmetic against exact fractions and wider floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from intaglio.builder import Builder
from intaglio.opset import FloatBinary, FloatUnary
from intaglio.reference import float32_math, run

Wide = NDArray[np.longdouble]


def nearest(x: Fraction) -> float:
    """The float32 nearest to a fraction, ties to even."""
    if x == 0:
        return 0.0
    size = abs(x)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - 23, -149)
    rounded = float(round(size / unit) * unit)  # Fraction rounds halves to even
    return math.copysign(rounded if rounded < 2.0**128 else math.inf, x)


def wide_range(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    exponents = rng.integers(-100, 60, count)
    return (rng.integers(-(2**24), 2**24, count) * 2.0 ** (exponents - 24.0)).astype(np.float32)


def test_fma_is_rounded_once() -> None:
    rng = np.random.default_rng(0)
    a, b, c = (wide_range(rng, 4000) for _ in range(3))
    # Half of the sums cancel, and a quarter lie beside the middle of two float32 numbers.
    c[:2000] = -(a[:2000].astype(np.float64) * b[:2000] * (1 + 2.0 ** -rng.integers(20, 50, 2000)))
    a[:1000], b[:1000] = (1 + rng.integers(0, 2**12, (2, 1000)) * 2.0**-12).astype(np.float32)
    c[:1000] = rng.choice([1, -1], 1000) * 2.0 ** -rng.integers(24, 140, 1000)
    result = float32_math.fma(a.astype(np.float64), b.astype(np.float64), c)
    exact = [Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)) for x, y, z in zip(a, b, c, strict=True)]
    assert result.tolist() == [nearest(x) for x in exact]


def test_fma_of_special_values() -> None:
    special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-45, 3e38], np.float32)
    a, b, c = (grid.ravel() for grid in np.meshgrid(special, special, special))
    with np.errstate(all="ignore"):
        result = float32_math.fma(a.astype(np.float64), b.astype(np.float64), c)
        expected = (a.astype(np.longdouble) * b + c).astype(np.float32)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(np.signbit(result[result == 0]), np.signbit(expected[expected == 0]))


def of_each(function: Callable[[float], float]) -> Callable[[Wide], Wide]:
    """A function of Python floats for arrays."""
    return lambda x: np.array([function(float(v)) for v in x], np.longdouble)


def gelu(x: float) -> float:
    return 0.5 * x * math.erfc(-x / math.sqrt(2))


FUNCTIONS: dict[FloatUnary, Callable[[Wide], Wide]] = {
    FloatUnary.EXP: np.exp,
    FloatUnary.LOG: np.log,
    FloatUnary.SIGMOID: lambda x: 1 / (1 + np.exp(-x)),
    FloatUnary.TANH: np.tanh,
    FloatUnary.SILU: lambda x: x / (1 + np.exp(-x)),
    FloatUnary.SOFTPLUS: lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
    FloatUnary.ERF: of_each(math.erf),
    FloatUnary.GELU: of_each(gelu),
    FloatUnary.GELU_TANH: lambda x: x / (1 + np.exp(-1.5957691216057308 * (x + 0.044715 * x**3))),
    FloatUnary.HARD_SWISH: lambda x: x * np.clip(x + 3, 0, 6) / 6,
    FloatUnary.ELU: lambda x: np.where(x < 0, np.longdouble(np.float32(0.7)) * np.expm1(x), x),
    FloatUnary.SIN: of_each(math.sin),
    FloatUnary.COS: of_each(math.cos),
}


def errors_in_ulps(result: NDArray[np.float32], exact: Wide) -> NDArray[np.float64]:
    """Where the exact value is a finite float32."""
    ordinary = np.abs(exact) < 3.4e38
    exact, result = exact[ordinary], result[ordinary]
    ulp = np.spacing(np.abs(exact.astype(np.float32))).astype(np.longdouble)
    return np.asarray(np.abs(result - exact) / ulp, np.float64)


@pytest.mark.parametrize("kind", FUNCTIONS, ids=lambda kind: kind.name)
def test_functions_are_within_one_ulp(kind: FloatUnary) -> None:
    rng = np.random.default_rng(1)
    sizes = 10.0 ** rng.uniform(-42, 38, 4000) * rng.choice([1, -1], 4000)
    x = np.concatenate([rng.normal(0, 3, 4000), rng.normal(0, 40, 4000), sizes]).astype(np.float32)
    b = Builder()
    b.output(b.float_unary(kind, b.input("x", x.shape, dtype="float32"), [0.7][: len(kind.parameters)], name="y"))
    result = run(b.build(), {"x": x})["y"]
    with np.errstate(all="ignore"):
        assert errors_in_ulps(result, FUNCTIONS[kind](x.astype(np.longdouble))).max() < 1


def test_pow_is_within_one_ulp_and_has_the_special_cases() -> None:
    rng = np.random.default_rng(2)
    special = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 2, 3, -3, 0.5, -0.5, 2.5, -2, 1e30, -7], np.float32)
    pairs = np.meshgrid(special, special)
    a = np.concatenate([pairs[0].ravel(), 10.0 ** rng.uniform(-9, 9, 5000), -(10.0 ** rng.uniform(-9, 9, 5000))])
    b = np.concatenate([pairs[1].ravel(), rng.normal(0, 4, 5000), np.rint(rng.normal(0, 4, 5000))])
    a, b = a.astype(np.float32), b.astype(np.float32)
    builder = Builder()
    names = (builder.input(name, a.shape, dtype="float32") for name in ("a", "b"))
    builder.output(builder.float_binary(FloatBinary.POW, *names, name="y"))
    result = run(builder.build(), {"a": a, "b": b})["y"]
    with np.errstate(all="ignore"):
        exact = np.power(a.astype(np.longdouble), b.astype(np.longdouble))
        assert errors_in_ulps(result, exact).max() < 1
        count = pairs[0].size
        expected = exact[:count].astype(np.float32)
    np.testing.assert_array_equal(np.isfinite(result[:count]), np.isfinite(expected))
    defined = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result[:count])[defined], np.signbit(expected)[defined])

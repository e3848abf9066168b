"""Rounded products and quotients against gemmlowp's definitions in Python's integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intaglio.errors import QuantizationError
from intaglio.fixed_point import mbqm, mbqm_once, rdivpot, srdhm
from intaglio.opset import Requant
from intaglio.quantization import Requantization, add_parameters, make_table, quantize_multiplier, requant_scale

int32 = st.integers(-(2**31), 2**31 - 1)
edges = st.sampled_from([0, 1, -1, 2**30, -(2**30), 2**31 - 1, -(2**31), 2**16, 3])


def gemmlowp_srdhm(a: int, b: int) -> int:
    """The nudged product, divided with truncation."""
    product = a * b
    nudge = 2**30 if product >= 0 else 1 - 2**30
    return math.trunc(Fraction(product + nudge, 2**31))


def rounded_away(x: Fraction) -> int:
    """Nearest integer, ties away from zero."""
    return (1 if x >= 0 else -1) * math.floor(abs(x) + Fraction(1, 2))


@given(int32 | edges, st.integers(-(2**31) + 1, 2**31 - 1) | edges.filter(lambda v: v != -(2**31)))
def test_srdhm_is_gemmlowps(a: int, b: int) -> None:
    assert srdhm(a, b) == gemmlowp_srdhm(a, b)


@given(int32 | edges, st.integers(0, 34))
def test_rdivpot_rounds_ties_away_from_zero(x: int, exponent: int) -> None:
    assert rdivpot(x, exponent) == rounded_away(Fraction(x, 2**exponent))


@given(st.integers(-(2**20), 2**20), st.integers(0, 2**31 - 1), st.integers(-31, 10))
def test_mbqm_rounds_twice(x: int, multiplier: int, shift: int) -> None:
    high = gemmlowp_srdhm(x * 2 ** max(shift, 0), multiplier)
    assert mbqm(x, multiplier, shift) == rounded_away(Fraction(high, 2 ** max(-shift, 0)))


@given(int32, st.integers(0, 2**31 - 1), st.integers(-31, 0))
def test_mbqm_once_rounds_once(x: int, multiplier: int, shift: int) -> None:
    assert mbqm_once(x, multiplier, shift) == rounded_away(Fraction(x * multiplier) * Fraction(2) ** (shift - 31))


@given(st.floats(2.0**-31, 2.0**29))
def test_multiplier_is_the_nearest_31_bits(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) - Fraction(real)) <= Fraction(real) / 2**31


def test_multiplier_that_rounds_to_a_power_of_two() -> None:
    assert quantize_multiplier(math.nextafter(1.0, 0.0)) == (2**30, 1)
    assert quantize_multiplier(0.5) == (2**30, 0)


@pytest.mark.parametrize("tiny", [0.0, 2.0**-33, 5e-324])
def test_multiplier_too_small_is_zero(tiny: float) -> None:
    assert quantize_multiplier(tiny) == (0, 0)


@pytest.mark.parametrize("wrong", [-1.0, math.inf, math.nan])
def test_multiplier_out_of_range(wrong: float) -> None:
    with pytest.raises(QuantizationError, match="multiplier"):
        quantize_multiplier(wrong)


def test_requant_scale_keeps_the_order_of_float32_operations() -> None:
    sx, sw, sy = np.float32(0.1), np.float32(0.3), np.float32(0.7)
    assert requant_scale(sx, sw, sy) == np.float32(np.float32(sx * sw) / sy)
    assert requant_scale(sx, sw, sy).dtype == np.float32


def test_requant_scale_below_the_normals_rounds_to_the_same_zero() -> None:
    scale = requant_scale(1e-30, 1e-30, 1.0)
    assert scale == np.finfo(np.float32).tiny
    assert np.rint(np.float32(-(2**31)) * scale) == 0


def test_of_factors_has_one_set_per_channel() -> None:
    fixed = Requantization.of_factors(Requant.FIXED, [0.5, 0.25])
    assert fixed.scale.tolist() == [2**30, 2**30]
    assert fixed.shift.tolist() == [0, -1]
    plain = Requantization.of_factors(Requant.FLOAT32, [0.5, 0.25])
    assert plain.scale.tolist() == [0.5, 0.25]
    assert plain.shift.size == 0


def test_add_parameters_by_hand() -> None:
    # e = floor(log2(4)) = 2, s = 18: 4 * 2^18 and 1 * 2^18.
    parameters = add_parameters(Requant.FLOAT32, 2.0, 0.5, 0.5)
    assert (parameters.multiplier, parameters.shift) == ((2**20, 2**18, 0), (18, 0, 0))
    # 2 / (2 * 2) = 1/2, 0.5 / 4 = 1/8, 4 / (2^20 * 0.5) = 2^-17.
    fixed = add_parameters(Requant.FIXED, 2.0, 0.5, 0.5)
    assert (fixed.multiplier, fixed.shift, fixed.left_shift) == ((2**30,) * 3, (0, -2, -16), 20)


def test_add_parameters_refuse_a_result_far_finer_than_its_operands() -> None:
    with pytest.raises(QuantizationError, match="scales of a sum"):
        add_parameters(Requant.FLOAT32, 2.0**21, 1.0, 1.0)


def test_table_rounds_half_to_even_and_clamps() -> None:
    table = make_table(lambda x: x / 2, 1.0, 0, 1.0, 0)
    assert [table[q + 128] for q in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]
    assert make_table(lambda x: x * 1e300, 1.0, 0, 1.0, 0).tolist() == [-128] * 128 + [0] + [127] * 127


def test_table_refuses_what_is_not_a_number() -> None:
    with pytest.raises(QuantizationError, match="NaN at -128"):
        make_table(lambda x: np.where(x < 0, np.nan, x), 1.0, 0, 1.0, 0)

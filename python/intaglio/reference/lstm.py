"""The recurrent op, and gemmlowp's functions of 16-bit numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.fixed_point import Int64, mbqm, rdivpot
from intaglio.reference.arithmetic import to_int8, truncated_quotient
from intaglio.rules.view import NodeView

_ONE = 32767
#: Integer bits of what gates take.
_GATE_BITS = 3


def lstm(view: NodeView, x: NDArray[Any], *constants: NDArray[Any]) -> NDArray[Any]:
    """Step by step, from a state of zeros."""
    inputs, recurrent, bias, multiplier, shift = (c.astype(np.int64) for c in constants)
    bits, clip = view.number("cell_bits"), view.number("cell_clip")
    zx, zy = view["x"].zero_point, view.output.zero_point
    y = np.zeros(view.output.shape, np.int8)
    hidden = np.zeros((x.shape[0], y.shape[2]), np.int64)
    cell = np.zeros_like(hidden)
    for step in range(x.shape[1]):
        centred = x[:, step].astype(np.int64) - zx
        gates = []
        for gate in range(4):
            first = _int16(mbqm(centred @ inputs[gate].T + bias[gate], multiplier[gate], shift[gate]))
            gates.append(_int16(first + mbqm(hidden @ recurrent[gate].T, multiplier[4 + gate], shift[4 + gate])))
        update = rdivpot(_logistic(gates[0]) * _tanh(gates[2], _GATE_BITS), 15 + bits)
        cell = _int16(rdivpot(_logistic(gates[1]) * cell, 15) + update)
        if clip:
            cell = np.clip(cell, -clip, clip)
        product = _logistic(gates[3]) * _tanh(cell, bits)
        y[:, step] = to_int8(mbqm(product, multiplier[8], shift[8]) + zy)
        hidden = y[:, step].astype(np.int64) - zy
    return y


def _logistic(a: Int64) -> Int64:
    """Of Q3.12, in Q0.15."""
    value = _int16(2 * _reciprocal(_exp_on_negative(-np.abs(a), _GATE_BITS)))
    return np.where(a == 0, 1 << 14, np.where(a > 0, value, _ONE - value))


def _tanh(a: Int64, bits: int) -> Int64:
    """Of a number with this many integer bits, in Q0.15."""
    value = _int16(4 * (_reciprocal(_exp_on_negative(-np.abs(a), bits + 1)) - (1 << 13)))
    return np.where(a == 0, 0, np.where(a < 0, -value, value))


def _reciprocal(a: Int64) -> Int64:
    """2 / (1 + a) in Q2.13 for a in [0, 1) in Q0.15, by three Newton-Raphson steps."""
    half = truncated_quotient(a + _ONE + 1, 2)
    x = _constant(1515870810) + _product(half, _constant(-1010580540))
    for _ in range(3):
        x = x + _int16(4 * _product(x, (1 << 13) - _product(half, x)))
    return x


def _exp_on_negative(a: Int64, bits: int) -> Int64:
    """exp(a) in Q0.15 for a <= 0 with this many integer bits."""
    fraction_bits = 15 - bits
    quarter = 1 << (fraction_bits - 2)
    fraction = (a & (quarter - 1)) - quarter
    result = _exp_last_quarter(fraction << bits)
    remainder = fraction - a
    for exponent in range(-2, min(bits, 5)):
        constant = _constant(round(math.exp(-(2.0**exponent)) * 2**31))
        bit = (remainder >> (fraction_bits + exponent)) & 1
        result = np.where(bit == 1, _product(result, constant), result)
    if bits > 5:
        result = np.where(a < -(32 << fraction_bits), 0, result)
    return np.where(a == 0, _ONE, result)


def _exp_last_quarter(a: Int64) -> Int64:
    """exp(a) for a in [-1/4, 0), Q0.15: four terms of the Taylor series around -1/8."""
    centre, third = _constant(1895147668), _constant(715827883)
    x = a + (1 << 12)
    x2 = _product(x, x)
    terms = _product(rdivpot(_product(x2, x2), 2) + _product(x2, x), third) + x2
    return _int16(centre + _product(centre, x + rdivpot(terms, 1)))


def _product(a: Int64 | int, b: Int64 | int) -> Int64:
    return np.asarray((a * b + (1 << 14)) >> 15)


def _constant(raw: int) -> int:
    """A 32-bit constant as one of 16 bits."""
    return int(_int16(rdivpot(raw, 16)))


def _int16(values: Int64) -> Int64:
    return np.clip(values, -32768, 32767)

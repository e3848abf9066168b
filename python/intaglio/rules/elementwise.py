"""Rules of the elementwise ops."""

from __future__ import annotations

import numpy as np

from intaglio.errors import QuantizationError
from intaglio.opset import SCALED_SUM, Requant
from intaglio.rules.gemm import broadcast
from intaglio.rules.requantization import check_accumulator, check_requantization, reach
from intaglio.rules.view import INT8, NodeView


def add_sub(view: NodeView) -> None:
    """add, sub: parameters in range, and every intermediate in int32."""
    _check_operands(view)
    view.want_clamp()
    multipliers, shifts, left_shift = view.numbers("multiplier"), view.numbers("shift"), view.number("left_shift")
    if view.number("requant") == SCALED_SUM:
        _check_scaled_sum(view, multipliers, shifts[0], (*shifts[1:], left_shift))
        return
    view.want_between("multiplier", multipliers, 0, 2**31 - 1)
    reaches = [reach(view["a"]), reach(view["b"])]
    if view.requant is Requant.FLOAT32:
        view.want_between("shift", shifts[:1], 1, 30)
        unused = (multipliers[2], *shifts[1:], left_shift)
        view.want(not any(unused), "attributes of the fixed mode", "0", unused, QuantizationError)
        total = sum(r * m for r, m in zip(reaches, multipliers[:2], strict=True)) + 2 ** (shifts[0] - 1)
        check_accumulator(view, total)
        return
    view.want_between("shift", shifts, -31, 30)
    view.want_between("left_shift", (left_shift,), 0, 22)
    total = 0
    for r, multiplier, shift in zip(reaches, multipliers[:2], shifts[:2], strict=True):
        operand = (r << left_shift) << max(shift, 0)
        check_accumulator(view, operand, "operand shifted left")
        total += (operand * multiplier >> 31 >> max(-shift, 0)) + 2
    check_accumulator(view, total << max(shifts[2], 0), "sum shifted left")


def _check_scaled_sum(view: NodeView, multipliers: tuple[int, ...], origin: int, unused: tuple[int, ...]) -> None:
    """Multipliers are the bits of two scales and a term, small enough that nothing overflows."""
    view.want(origin in (0, 128), "attribute 'shift'", "0 or 128", origin, QuantizationError)
    view.want(not any(unused), "attributes of the other modes", "0", unused, QuantizationError)
    view.want_between("multiplier", multipliers, -(2**31), 2**31 - 1)
    numbers = np.array(multipliers, np.int32).view(np.float32)
    low, high = np.array([0, 0, -(2**30)]), np.array([2**20, 2**20, 2**30])
    fits = bool(((numbers >= low) & (numbers <= high)).all())
    view.want(fits, "multiplier as float32", "scales up to 2^20 and a term up to 2^30", numbers, QuantizationError)


def mul(view: NodeView) -> None:
    """A product and one requantization set."""
    _check_operands(view)
    view.want_clamp()
    check_requantization(view, 1, reach(view["a"]) * reach(view["b"]))


def maximum_minimum(view: NodeView) -> None:
    """Operands and result share scale and zero point."""
    _check_operands(view)
    for tensor in view.inputs:
        view.want_like(tensor, view.output)


def lookup(view: NodeView) -> None:
    """A table of 256 values."""
    view.want_quantized(view["x"], view.output)
    view.want_constant("table", INT8, (256,))
    view.want_shape(view.output, view["x"].shape)


def _check_operands(view: NodeView) -> None:
    a, b = view["a"], view["b"]
    view.want_quantized(a, b, view.output)
    view.want_shape(view.output, broadcast(view, a.shape, b.shape))

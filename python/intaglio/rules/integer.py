"""Rules of the sums of products that stay int32, and of arithmetic on integers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from intaglio.errors import ShapeError
from intaglio.opset import IntegerBinary
from intaglio.rules.gemm import broadcast, check_convolution, check_matmul
from intaglio.rules.requantization import check_accumulator
from intaglio.rules.view import INT8, INT32, INT64, NodeView, listed


def integer_conv2d(view: NodeView) -> None:
    """The weight zero point is one, or one per output channel."""
    check_convolution(view)
    weight = view["weight"]
    _check_types(view, ("x", "weight"), ("x_zero_point", "weight_zero_point"), ((1,), weight.shape[:1]))
    check_accumulator(view, math.prod(weight.shape[1:]) * 255 * 255)


def integer_matmul(view: NodeView) -> None:
    """The zero point of b is one, or one per column."""
    check_matmul(view)
    _check_types(view, ("a", "b"), ("a_zero_point", "b_zero_point"), ((), view["b"].shape[-1:]))
    check_accumulator(view, view["a"].shape[-1] * 255 * 255)


def integer_binary(view: NodeView) -> None:
    """Operands broadcast; divisors are constants without zeros."""
    a, b = view["a"], view["b"]
    view.want_dtype(a, INT32, INT64)
    view.want_dtype(b, a.dtype)
    view.want_dtype(view.output, a.dtype)
    view.want_between("kind", (view.number("kind"),), 0, len(IntegerBinary) - 1)
    view.want_shape(view.output, broadcast(view, a.shape, b.shape))
    if view.number("kind") in (IntegerBinary.FLOOR_DIV, IntegerBinary.FLOOR_MOD):
        view.want(bool(view.data("b").all()), f"'{b.name}'", "divisors that are not zero", "a zero")


def _check_types(
    view: NodeView, operands: Sequence[str], zero_points: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> None:
    for name in operands:
        view.want_dtype(view[name], INT8)
    for name in zero_points:
        view.want_dtype(view[name], INT32)
    view.want_dtype(view.output, INT32)
    first, second = (view[name] for name in zero_points)
    view.want_shape(first, ())
    expected = " or ".join(listed(shape) for shape in shapes)
    view.want(second.shape in shapes, f"shape of '{second.name}'", expected, listed(second.shape), ShapeError)

"""Rules of the sums of products that stay int32."""

from __future__ import annotations

import math
from collections.abc import Sequence

from intaglio.errors import ShapeError
from intaglio.rules.gemm import check_convolution, check_matmul
from intaglio.rules.requantization import check_accumulator
from intaglio.rules.view import INT8, INT32, NodeView, listed


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

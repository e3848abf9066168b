"""Rules of resizing."""

from __future__ import annotations

from intaglio.errors import ShapeError
from intaglio.resize_tables import BILINEAR_UNITS
from intaglio.rules.view import INT32, NodeView


def resize_nearest(view: NodeView) -> None:
    """Tables of one source position per output position."""
    _check_tables(view, ())


def resize_bilinear(view: NodeView) -> None:
    """Tables of (low, high, weight) per output position."""
    _check_tables(view, (3,))


def _check_tables(view: NodeView, entry: tuple[int, ...]) -> None:
    x, y = view["x"], view.output
    if entry:
        view.want_quantized(x, y)
    view.want_like(y, x)
    view.want_rank(x, 4)
    view.want_rank(y, 4)
    view.want_shape(y, (x.shape[0], *y.shape[1:3], x.shape[3]))
    for name, axis in (("row", 1), ("column", 2)):
        table = view.want_constant(name, INT32, (y.shape[axis], *entry))
        positions = table[:, :2] if entry else table
        inside = not positions.size or (positions.min() >= 0 and positions.max() < x.shape[axis])
        view.want(bool(inside), f"'{name}' positions", f"0 to {x.shape[axis] - 1}", "one outside", ShapeError)
        if entry and table.size:
            weights, unit = table[:, 2], BILINEAR_UNITS[view.requant]
            inside = weights.min() >= 0 and weights.max() <= unit
            view.want(bool(inside), f"'{name}' weights", f"0 to {unit}", "one outside")

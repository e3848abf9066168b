"""Rules of the recurrent op."""

from __future__ import annotations

import numpy as np

from intaglio.errors import QuantizationError, ShapeError
from intaglio.rules.requantization import check_accumulator, largest_sum
from intaglio.rules.view import INT8, INT32, NodeView, listed

GATES = 4
#: Sums of more products of bytes might not fit 32 bits.
_MOST_TERMS = 2**16


def lstm(view: NodeView) -> None:
    """[N,T,I] to [N,T,U]; no sum overflows, and neither do sums shifted left."""
    x, y = view["x"], view.output
    view.want_quantized(x, y)
    view.want_rank(x, 3)
    view.want_rank(y, 3)
    units, depth = y.shape[2], x.shape[2]
    view.want_shape(y, (*x.shape[:2], units))
    fits = all(0 < size < _MOST_TERMS for size in (units, depth))
    view.want(fits, "sizes", f"1 to {_MOST_TERMS - 1} inputs and units", listed((depth, units)), ShapeError)
    weights = (
        view.want_constant("input_weight", INT8, (GATES, units, depth)),
        view.want_constant("recurrent_weight", INT8, (GATES, units, units)),
    )
    bias = view.want_constant("bias", INT32, (GATES, units))
    multiplier = view.want_constant("multiplier", INT32, (2 * GATES + 1,))
    shift = view.want_constant("shift", INT32, (2 * GATES + 1,))
    view.want(bool((multiplier >= 0).all()), "'multiplier'", "0 to 2^31 - 1", listed(multiplier), QuantizationError)
    highest = np.array([30] * 2 * GATES + [0])
    sound = bool(((shift >= -31) & (shift <= highest)).all())
    view.want(sound, "'shift'", "-31 to 30, of the output to 0", listed(shift), QuantizationError)
    for gate in range(GATES):
        for i, (weight, zero_point) in enumerate(zip(weights, (x.zero_point, y.zero_point), strict=True)):
            own = bias[gate] if i == 0 else np.zeros(units, np.int32)
            largest = largest_sum(weight[gate], own, zero_point, 0)
            check_accumulator(view, largest)
            check_accumulator(view, largest << max(int(shift[i * GATES + gate]), 0), "accumulator shifted left")
    view.want_between("cell_bits", (view.number("cell_bits"),), 0, 6)
    view.want_between("cell_clip", (view.number("cell_clip"),), 0, 32767)

"""From accumulators to int8 (docs/arithmetic.md, "Requantization")."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from intaglio.fixed_point import Int64, mbqm, mbqm_once
from intaglio.opset import Requant
from intaglio.rules.view import NodeView


def truncated_quotient(x: Int64, n: ArrayLike) -> Int64:
    """Division truncating toward zero; n > 0."""
    return np.asarray(np.sign(x) * (np.abs(x) // n))


def requantize(view: NodeView, acc: Int64) -> NDArray[np.int8]:
    """Accumulators, channels last, to int8 by the node's ``scale`` and ``shift``; its clamp, if it has one."""
    scale = view.data("scale")
    if view.requant is Requant.FLOAT32:
        with np.errstate(over="ignore"):
            product = acc.astype(np.float32) * scale
        # Far outside int8 the value no longer matters, and infinity has no integer.
        scaled = np.rint(np.clip(product, -(2.0**40), 2.0**40)).astype(np.int64)
    else:
        multiply = mbqm_once if view.op.name == "fully_connected" else mbqm
        scaled = multiply(acc, scale, view.data("shift"))
    low, high = view.numbers("clamp") if "clamp" in view.node.attrs else (-128, 127)
    return to_int8(scaled + view.output.zero_point, low, high).reshape(acc.shape)


def to_int8(values: Int64, low: int = -128, high: int = 127) -> NDArray[np.int8]:
    """Clamp and narrow."""
    return np.asarray(np.clip(values, low, high), np.int8)

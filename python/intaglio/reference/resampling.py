"""Resizing by tables of source positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.opset import Requant
from intaglio.reference.arithmetic import to_int8, truncated_quotient
from intaglio.rules.view import NodeView


def resize_nearest(view: NodeView, x: NDArray[Any], row: NDArray[Any], column: NDArray[Any]) -> NDArray[Any]:
    """y[i, j] = x[row[i], column[j]]."""
    return x[:, row][:, :, column]


def resize_bilinear(view: NodeView, x: NDArray[Any], row: NDArray[Any], column: NDArray[Any]) -> NDArray[Any]:
    """Four corners by weights of 11 or 10 bits."""
    unit = 2048 if view.requant is Requant.FLOAT32 else 1024
    wide = x.astype(np.int64)
    row, column = row.astype(np.int64), column.astype(np.int64)
    acc = np.zeros((x.shape[0], len(row), len(column), x.shape[3]), np.int64)
    for rows, wy in ((row[:, 0], unit - row[:, 2]), (row[:, 1], row[:, 2])):
        for columns, wx in ((column[:, 0], unit - column[:, 2]), (column[:, 1], column[:, 2])):
            acc += wide[:, rows][:, :, columns] * (wy[:, None, None] * wx[:, None])
    if view.requant is Requant.FLOAT32:
        return to_int8((acc + (1 << 21)) >> 22)
    return to_int8(truncated_quotient(acc + np.where(acc > 0, 1 << 19, -(1 << 19)), 1 << 20))

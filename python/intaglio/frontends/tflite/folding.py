"""Operators whose result is known at conversion: SHAPE, and integer arithmetic on constants.

Exporters compute shapes inside the network; with the sizes of the file they are constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator

Array = NDArray[Any]
#: Sizes and shapes are small; a larger constant is data, and not for folding.
_LARGEST = 1 << 16


def fold(lowering: Lowering, op: Operator) -> bool:
    """Gives the operator's outputs, which are int32 or int64, their values if they are known; whether they were."""
    if op.op == "SHAPE":
        lowering.set_constant(op, np.array(lowering.input(op, 0).shape, np.int64))
        return True
    if op.op == "RANK":
        lowering.set_constant(op, np.array(len(lowering.input(op, 0).shape), np.int64))
        return True
    if op.op not in _FOLDS:
        return False
    inputs = [lowering.constant_value(op, i) for i in range(len(op.inputs)) if op.inputs[i] >= 0]
    values = [v for v in inputs if v is not None and v.dtype.kind in "ib" and v.size <= _LARGEST]
    if not inputs or len(values) < len(inputs):
        return False
    try:
        with np.errstate(divide="raise"):
            results = _FOLDS[op.op](op, *values)
    except _NotFoldedError:
        return False
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        lowering.malformed(op, f"its constants do not fit: {error}")
    for i, result in enumerate(results if isinstance(results, list) else [results]):
        lowering.set_constant(op, np.asarray(result), i)
    return True


class _NotFoldedError(Exception):
    """The operator is sound, but a form of it that is left to its lowering."""


def _strided(op: Operator, x: Array, begin: Array, end: Array, strides: Array) -> Array:
    masks = op.options
    if x.ndim != 1 or begin.size != 1 or masks["ellipsis_mask"] or masks["new_axis_mask"]:
        raise _NotFoldedError
    first = int(begin[0])
    if masks["shrink_axis_mask"]:
        return np.asarray(x[first])
    start = None if masks["begin_mask"] else first
    stop = None if masks["end_mask"] else int(end[0])
    return x[start : stop : int(strides[0])]


def _split(op: Operator, axis: Array, x: Array) -> list[Array]:
    return list(np.split(x, op.options["num_splits"], int(axis.reshape(-1)[0])))


def _product(op: Operator, x: Array, axes: Array) -> Array:
    return np.asarray(np.prod(x, axis=tuple(axes.reshape(-1).tolist()), keepdims=op.options["keep_dims"]))


def _gather(op: Operator, x: Array, indices: Array) -> Array:
    if op.options["batch_dims"]:
        raise _NotFoldedError
    if indices.size and (indices.min() < 0 or indices.max() >= x.shape[op.options["axis"]]):
        raise IndexError("an index is out of range")
    return np.take(x, indices, axis=op.options["axis"])


def _fill(op: Operator, shape: Array, value: Array) -> Array:
    if np.prod(shape.astype(np.float64)) > _LARGEST:
        raise _NotFoldedError
    return np.full(shape.tolist(), value)


def _arange(op: Operator, start: Array, limit: Array, delta: Array) -> Array:
    count = (int(limit) - int(start)) // (int(delta) or 1)
    if count > _LARGEST:
        raise _NotFoldedError
    return np.arange(int(start), int(limit), int(delta))


_FOLDS: dict[str, Callable[..., Array | list[Array]]] = {
    "ADD": lambda op, a, b: a + b,
    "SUB": lambda op, a, b: a - b,
    "MUL": lambda op, a, b: a * b,
    "FLOOR_DIV": lambda op, a, b: a // b,
    "FLOOR_MOD": lambda op, a, b: a % b,
    "MAXIMUM": lambda op, a, b: np.maximum(a, b),
    "MINIMUM": lambda op, a, b: np.minimum(a, b),
    "CAST": lambda op, a: a,
    "PACK": lambda op, *parts: np.stack(parts, op.options["axis"]),
    "CONCATENATION": lambda op, *parts: np.concatenate(parts, op.options["axis"]),
    "RESHAPE": lambda op, x, *shape: x.reshape(shape[0].tolist() if shape else op.options["new_shape"]),
    "SQUEEZE": lambda op, x: x.squeeze(op.options["squeeze_dims"] or None),
    "EXPAND_DIMS": lambda op, x, axis: np.expand_dims(x, int(axis.reshape(-1)[0])),
    "STRIDED_SLICE": _strided,
    "SPLIT": _split,
    "GATHER": _gather,
    "REDUCE_PROD": _product,
    "FILL": _fill,
    "RANGE": _arange,
}

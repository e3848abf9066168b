"""Operators whose result is known at conversion.

Exporters compute shapes inside the network: with the sizes of its inputs they are constants, as is all that is computed
from constants alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.frontends.onnx.lowering import Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.schema import array_type, element_name
from intaglio.frontends.onnx.values import Value, constant

Array = NDArray[Any]
#: Elements of the largest constant that an operator makes out of smaller ones.
_LARGEST: Final = 1 << 24


def fold(lowering: Lowering, node: SourceNode, inputs: list[Value | None]) -> list[Value] | None:
    """The operator's outputs if they are known; None if they are not."""
    if node.op not in _FOLDS:
        return None
    arrays: list[Array | None] = []
    for value in inputs:
        if value is not None and value.constant is None:
            return None
        # A dequantized constant keeps its grid: its operator is lowered.
        if value is not None and value.grid is not None:
            return None
        arrays.append(None if value is None else value.data)
    try:
        with np.errstate(all="ignore"):
            results = _FOLDS[node.op](_Attributes(node, lowering.model.opset), *arrays)
    except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError) as error:
        lowering.malformed(f"its constants do not fit: {error}")
    outputs = results if isinstance(results, list) else [results]
    return [constant(name, np.asarray(data)) for name, data in zip(node.outputs, outputs, strict=False)]


class _Attributes:
    def __init__(self, node: SourceNode, opset: int) -> None:
        self.node = node
        self.opset = opset

    def get(self, name: str, default: Any = None) -> Any:
        return self.node.attributes.get(name, default)

    def axes(self, given: Array | None) -> tuple[int, ...] | None:
        """An input in newer operator sets, an attribute before."""
        values = self.get("axes") if given is None else given.reshape(-1).tolist()
        return None if values is None else tuple(int(v) for v in values)


def _limited(count: float) -> None:
    if count > _LARGEST:
        raise ValueError("the result is too large")


def _constant(a: _Attributes) -> Array:
    for name, dtype in (("value_int", np.int64), ("value_ints", np.int64), ("value_float", np.float32)):
        if a.get(name) is not None:
            return np.array(a.get(name), dtype)
    if a.get("value_floats") is not None:
        return np.array(a.get("value_floats"), np.float32)
    if not isinstance(a.get("value"), np.ndarray):
        raise ValueError("it has no value that is an array of numbers")
    return np.asarray(a.get("value"))


def _constant_of_shape(a: _Attributes, shape: Array) -> Array:
    _limited(math.prod(int(n) for n in shape.reshape(-1)))
    fill = a.get("value", np.zeros(1, np.float32))
    return np.full(shape.tolist(), fill.reshape(-1)[0], fill.dtype)


def _range(a: _Attributes, start: Array, limit: Array, delta: Array) -> Array:
    _limited(abs((float(limit) - float(start)) / (float(delta) or 1)))
    return np.asarray(np.arange(start.item(), limit.item(), delta.item()), start.dtype)


def _div(a: _Attributes, x: Array, y: Array) -> Array:
    """Integers truncate toward zero."""
    if x.dtype.kind not in "iu":
        return np.asarray(x / y, x.dtype)
    if (y == 0).any():
        raise ZeroDivisionError("division by zero")
    return np.asarray(np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y)), x.dtype)


def _gather(a: _Attributes, x: Array, indices: Array) -> Array:
    _limited(indices.size * x.size)
    return np.take(x, indices, axis=a.get("axis", 0))


def _slice(
    a: _Attributes,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    begin, end = (
        a.get(name) if given is None else given.reshape(-1).tolist()
        for name, given in (("starts", starts), ("ends", ends))
    )
    along = a.axes(axes) or range(len(begin))
    step = [1] * len(begin) if steps is None else steps.reshape(-1).tolist()
    parts = [slice(None)] * x.ndim
    for axis, b, e, s in zip(along, begin, end, step, strict=True):
        parts[axis] = slice(b, e, s)
    return x[tuple(parts)]


def _reshape(a: _Attributes, x: Array, shape: Array) -> Array:
    wanted = shape.reshape(-1).tolist()
    if not a.get("allowzero", 0):
        wanted = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    return np.reshape(x, wanted)


def _squeeze(a: _Attributes, x: Array, axes: Array | None = None) -> Array:
    return x.squeeze(a.axes(axes))


def _unsqueeze(a: _Attributes, x: Array, axes: Array | None = None) -> Array:
    return np.expand_dims(x, a.axes(axes) or ())


def _split(a: _Attributes, x: Array, sizes: Array | None = None) -> list[Array]:
    axis = a.get("axis", 0)
    given = a.get("split") if sizes is None else sizes.reshape(-1).tolist()
    if given is None:
        return list(np.array_split(x, len(a.node.outputs), axis))
    return list(np.split(x, np.cumsum(given)[:-1], axis))


def _expand(a: _Attributes, x: Array, shape: Array) -> Array:
    full = np.broadcast_shapes(x.shape, tuple(shape.reshape(-1).tolist()))
    _limited(math.prod(full))
    return np.broadcast_to(x, full)


def _tile(a: _Attributes, x: Array, repeats: Array) -> Array:
    _limited(x.size * math.prod(repeats.reshape(-1).tolist()))
    return np.tile(x, repeats.reshape(-1).tolist())


def _trilu(a: _Attributes, x: Array, diagonal: Array | None = None) -> Array:
    k = 0 if diagonal is None else int(diagonal.item())
    return np.triu(x, k) if a.get("upper", 1) else np.tril(x, k)


def _cast(a: _Attributes, x: Array) -> Array:
    code = a.get("to", 0)
    dtype = array_type(code)
    if dtype is None:
        raise TypeError(f"there are no constants of type {element_name(code)}")
    return np.asarray(x, dtype)


def _reduce(function: Callable[..., Any]) -> Callable[..., Array]:
    def reduced(a: _Attributes, x: Array, axes: Array | None = None) -> Array:
        along = a.axes(axes) or (() if a.get("noop_with_empty_axes", 0) else None)
        return np.asarray(function(x, axis=along, keepdims=bool(a.get("keepdims", 1))), x.dtype)

    return reduced


def _same_type(function: Callable[..., Any]) -> Callable[..., Array]:
    """A NumPy function whose result has the type of its first operand."""

    def applied(a: _Attributes, *operands: Array) -> Array:
        result = operands[0] if len(operands) == 1 else None
        if result is not None:
            return np.asarray(function(result), result.dtype)
        result = operands[0]
        for operand in operands[1:]:
            _limited(math.prod(np.broadcast_shapes(result.shape, operand.shape)))
            result = np.asarray(function(result, operand), operands[0].dtype)
        return result

    return applied


def _compare(function: Callable[..., Any]) -> Callable[..., Array]:
    return lambda a, *operands: np.asarray(function(*operands))


_FOLDS: Final[dict[str, Callable[..., Array | list[Array]]]] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Identity": lambda a, x: x,
    "Cast": _cast,
    "Shape": lambda a, x: np.array(x.shape[a.get("start", 0) : a.get("end")], np.int64),
    "Size": lambda a, x: np.array(x.size, np.int64),
    "Gather": _gather,
    "Slice": _slice,
    "Concat": lambda a, *parts: np.concatenate(parts, a.get("axis", 1)),
    "Split": _split,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": lambda a, x: x.transpose(a.get("perm")),
    "Expand": _expand,
    "Tile": _tile,
    "Trilu": _trilu,
    "Where": lambda a, c, x, y: np.asarray(np.where(c, x, y)),
    "Add": _same_type(np.add),
    "Sub": _same_type(np.subtract),
    "Mul": _same_type(np.multiply),
    "Div": _div,
    "Mod": lambda a, x, y: np.asarray(np.fmod(x, y) if a.get("fmod", 0) else np.mod(x, y), x.dtype),
    "Pow": _same_type(np.power),
    "Max": _same_type(np.maximum),
    "Min": _same_type(np.minimum),
    "Neg": _same_type(np.negative),
    "Abs": _same_type(np.abs),
    "Floor": _same_type(np.floor),
    "Ceil": _same_type(np.ceil),
    "Round": _same_type(np.rint),
    "Sqrt": _same_type(np.sqrt),
    "Reciprocal": _same_type(np.reciprocal),
    "Exp": _same_type(np.exp),
    "Log": _same_type(np.log),
    "Equal": _compare(np.equal),
    "Greater": _compare(np.greater),
    "GreaterOrEqual": _compare(np.greater_equal),
    "Less": _compare(np.less),
    "LessOrEqual": _compare(np.less_equal),
    "And": _compare(np.logical_and),
    "Or": _compare(np.logical_or),
    "Not": _compare(np.logical_not),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceMean": _reduce(np.mean),
}

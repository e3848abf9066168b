"""Operators that give the same values another shape or element type, or repeat them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from intaglio.frontends.onnx.lowering import FLOAT32, INT32, INT64, QUANTIZED, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.quantization import dequantized, element_type, unit_grid
from intaglio.frontends.onnx.values import Value, plain, stored_shape


def reshape(lowering: Lowering, node: SourceNode, x: Value, shape: Value) -> Value:
    """0 stands for the input's own size, -1 for what is left."""
    wanted = lowering.integers(shape, "shape") or []
    if not node.attributes.get("allowzero", 0):
        if any(n == 0 and i >= len(x.shape) for i, n in enumerate(wanted)):
            lowering.malformed(f"shape {wanted} copies sizes that its input {x.shape} does not have")
        wanted = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    count, known = math.prod(x.shape), math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) > 1 or min(wanted, default=0) < -1 or (-1 in wanted and (known == 0 or count % known)):
        lowering.malformed(f"its input {x.shape} does not take the shape {wanted}")
    wanted = [count // known if n == -1 else n for n in wanted]
    if math.prod(wanted) != count:
        lowering.malformed(f"its input {x.shape} does not take the shape {wanted}")
    return lowering.reshaped(x, wanted)


def flatten(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    axis = node.attributes.get("axis", 1)
    axis = len(x.shape) if axis == len(x.shape) else lowering.axis(axis, len(x.shape))
    return lowering.reshaped(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def squeeze(lowering: Lowering, node: SourceNode, x: Value, axes: Value | None = None) -> Value:
    rank = len(x.shape)
    given = _axes(lowering, node, axes)
    dropped = (
        {lowering.axis(a, rank) for a in given} if given is not None else {i for i in range(rank) if x.shape[i] == 1}
    )
    if any(x.shape[a] != 1 for a in dropped):
        lowering.malformed(f"it drops axes {sorted(dropped)} of {x.shape}")
    return lowering.reshaped(x, [n for i, n in enumerate(x.shape) if i not in dropped])


def unsqueeze(lowering: Lowering, node: SourceNode, x: Value, axes: Value | None = None) -> Value:
    given = _axes(lowering, node, axes) or []
    rank = len(x.shape) + len(given)
    added = {lowering.axis(a, rank) for a in given}
    if len(added) != len(given):
        lowering.malformed(f"it adds the axes {given}")
    sizes = iter(x.shape)
    return lowering.reshaped(x, [1 if i in added else next(sizes) for i in range(rank)])


def transpose(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    rank = len(x.shape)
    permutation = [int(p) for p in node.attributes.get("perm") or reversed(range(rank))]
    if sorted(permutation) != list(range(rank)):
        lowering.malformed(f"its permutation {permutation} does not fit its input {x.shape}")
    return x.transposed(permutation)


def expand(lowering: Lowering, node: SourceNode, x: Value, shape: Value) -> Value:
    wanted = lowering.integers(shape, "shape") or []
    try:
        full = np.broadcast_shapes(x.shape, tuple(wanted))
    except ValueError:
        lowering.malformed(f"its input {x.shape} does not broadcast to {wanted}")
    return spread(lowering, lowering.broadcast_rank(x, len(full)), full)


def tile(lowering: Lowering, node: SourceNode, x: Value, repeats: Value) -> Value:
    """Each axis becomes (repeats, size): broadcast, then joined."""
    times = lowering.integers(repeats, "repeats") or []
    if len(times) != len(x.shape) or min(times, default=0) < 0:
        lowering.malformed(f"its repeats {times} do not fit its input {x.shape}")
    pairs = [(t, n) for t, n in zip(times, x.shape, strict=True)]
    if len(pairs) * 2 > 8:
        lowering.refuse(f"its input has rank {len(x.shape)}; at most 4 is supported")
    split = lowering.reshaped(x, [m for _, n in pairs for m in (1, n)])
    return lowering.reshaped(spread(lowering, split, [m for pair in pairs for m in pair]), [t * n for t, n in pairs])


def shape(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    """Of what the network computes, which the sizes of its inputs settle."""
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return _known(node, x.shape[start:end])


def size(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return _known(node, math.prod(x.shape))


def cast(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    """Between float32 and integers; unquantized bytes count as numbers of scale 1."""
    dtype = element_type(lowering, node.attributes.get("to", 0))
    if dtype == x.dtype:
        return x
    if x.dtype in QUANTIZED and dtype == FLOAT32:
        return dequantized(lowering, x, unit_grid(x.dtype))
    numbers = (FLOAT32, INT32, INT64)
    if dtype not in numbers or x.dtype not in numbers:
        lowering.refuse(f"it casts {x.dtype} to {dtype} while the network runs")
    order = plain(len(x.shape)) if x.constant is not None else x.order
    y = lowering.emit("cast", [lowering.stored(x, order)], stored_shape(x.shape, order), dtype=dtype)
    return lowering.result(y, x.shape, order, dtype)


def _axes(lowering: Lowering, node: SourceNode, axes: Value | None) -> list[int] | None:
    """An input since opset 13, an attribute before."""
    if axes is not None:
        return lowering.integers(axes, "axes")
    given = node.attributes.get("axes")
    return None if given is None else [int(a) for a in given]


def spread(lowering: Lowering, x: Value, shape: Sequence[int]) -> Value:
    """x broadcast to a shape of the same rank."""
    if tuple(shape) == x.shape:
        return x
    order = plain(len(x.shape)) if x.constant is not None else x.order
    source = lowering.stored(x, order)
    y = lowering.emit(
        "broadcast_to", [source], stored_shape(shape, order), dtype=lowering.tensors[source].dtype, selects=True
    )
    return lowering.result(y, shape, order, x.dtype)


def _known(node: SourceNode, numbers: object) -> Value:
    data = np.array(numbers, np.int64)
    return Value(node.name, data.shape, data.dtype, data)

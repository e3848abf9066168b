"""Operators that take values out of another, join several, or add a border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from intaglio.frontends.onnx.lowering import FLOAT32, INT32, INT64, QUANTIZED, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.movement import spread
from intaglio.frontends.onnx.values import Value, constant, plain, stored_shape


def slice_(
    lowering: Lowering,
    node: SourceNode,
    x: Value,
    starts: Value | None = None,
    ends: Value | None = None,
    axes: Value | None = None,
    steps: Value | None = None,
) -> Value:
    """Starts and ends are inputs since opset 10, attributes before. They are Python's."""
    begin, end = (
        lowering.integers(value, name) if value is not None else node.attributes.get(name)
        for value, name in ((starts, "starts"), (ends, "ends"))
    )
    if begin is None or end is None:
        lowering.malformed("it has no starts or ends")
    along = lowering.integers(axes, "axes") or node.attributes.get("axes") or range(len(begin))
    step = lowering.integers(steps, "steps") or [1] * len(begin)
    if not len(begin) == len(end) == len(along) == len(step) or 0 in step:
        lowering.malformed(f"starts {begin}, ends {end}, axes {list(along)} and steps {step} do not fit")
    ranges = [range(n) for n in x.shape]
    for a, b, e, s in zip(along, begin, end, step, strict=True):
        axis = lowering.axis(a, len(x.shape))
        # Python counts an end of -1 from the back, and so does ONNX; an end far below is before the beginning.
        ranges[axis] = range(x.shape[axis])[slice(b, e, s)]
    return taken(lowering, x, ranges)


def taken(lowering: Lowering, x: Value, ranges: Sequence[range]) -> Value:
    """The positions of each axis that a range names."""
    shape = tuple(len(r) for r in ranges)
    if shape == x.shape and all(r.step == 1 or len(r) == 1 for r in ranges):
        return x
    order = plain(len(shape)) if x.constant is not None else x.order
    laid = [ranges[axis] for axis in order]
    begin = [r.start if len(r) else 0 for r in laid]
    stride = [r.step if len(r) > 1 else 1 for r in laid]
    source = lowering.stored(x, order)
    y = lowering.emit(
        "slice", [source], stored_shape(shape, order), dtype=lowering.tensors[source].dtype, selects=True,
        begin_stride=(*begin, *stride),
    )  # fmt: skip
    return lowering.result(y, shape, order, x.dtype)


def split(lowering: Lowering, node: SourceNode, x: Value, parts: Value | None = None) -> tuple[Value, ...]:
    """Sizes are an input since opset 13, an attribute before; without them, parts as equal as can be."""
    axis = lowering.axis(node.attributes.get("axis", 0), len(x.shape))
    total, count = x.shape[axis], len(node.outputs)
    sizes = lowering.integers(parts, "sizes") if parts is not None else node.attributes.get("split")
    if sizes is None:
        each = -(-total // count)
        sizes = [min(each, max(total - i * each, 0)) for i in range(count)]
    if len(sizes) != count or sum(sizes) != total or min(sizes) < 0:
        lowering.malformed(f"its sizes {list(sizes)} do not split axis {axis} of {x.shape} into {count}")
    results, begin = [], 0
    for n in sizes:
        ranges = [range(begin, begin + n) if a == axis else range(m) for a, m in enumerate(x.shape)]
        results.append(taken(lowering, x, ranges))
        begin += n
    return tuple(results)


def gather(lowering: Lowering, node: SourceNode, x: Value, indices: Value) -> Value:
    """One constant index is a slice; others are looked up."""
    axis = lowering.axis(node.attributes.get("axis", 0), len(x.shape))
    if indices.data is not None:
        if indices.data.dtype.kind != "i":
            lowering.malformed(f"its indices have element type {indices.dtype}")
        low, high = (int(f(indices.data, initial=0)) for f in (np.min, np.max))
        if low < -x.shape[axis] or high >= x.shape[axis]:
            lowering.malformed(f"its indices {low} to {high} do not fit axis {axis} of {x.shape}")
    if indices.data is not None and indices.shape == () and x.constant is None:
        index = int(indices.data) % x.shape[axis]
        ranges = [range(index, index + 1) if a == axis else range(n) for a, n in enumerate(x.shape)]
        return lowering.reshaped(taken(lowering, x, ranges), (*x.shape[:axis], *x.shape[axis + 1 :]))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    inputs = [lowering.stored(value, plain(len(value.shape))) for value in (x, indices)]
    y = lowering.emit("gather", inputs, shape, dtype=lowering.tensors[inputs[0]].dtype, axis=axis)
    lowering.inherit_grid(y, inputs[:1])
    return lowering.result(y, shape, plain(len(shape)), x.dtype)


def gather_nd(lowering: Lowering, node: SourceNode, x: Value, indices: Value) -> Value:
    """The last axis of the indices goes along the first axes of x."""
    if node.attributes.get("batch_dims", 0):
        lowering.refuse("it has batch_dims")
    depth = indices.shape[-1] if indices.shape else 0
    if not 1 <= depth <= len(x.shape) or indices.dtype != INT64:
        lowering.malformed(f"its indices {indices.dtype} {indices.shape} do not fit its input {x.shape}")
    shape = (*indices.shape[:-1], *x.shape[depth:])
    inputs = [lowering.stored(value, plain(len(value.shape))) for value in (x, indices)]
    y = lowering.emit("gather_nd", inputs, shape, dtype=lowering.tensors[inputs[0]].dtype)
    lowering.inherit_grid(y, inputs[:1])
    return lowering.result(y, shape, plain(len(shape)), x.dtype)


def concat(lowering: Lowering, node: SourceNode, *parts: Value) -> Value:
    first = parts[0]
    axis = lowering.axis(node.attributes.get("axis", 1), len(first.shape))
    rest = {(len(p.shape), p.shape[:axis], p.shape[axis + 1 :]) for p in parts}
    if len(rest) > 1 or len({p.dtype for p in parts}) > 1:
        lowering.malformed(f"it joins {', '.join(f'{p.dtype} {p.shape}' for p in parts)} along axis {axis}")
    if first.dtype in QUANTIZED and any(p.constant is not None for p in parts):
        lowering.refuse("it joins constants of integers without a scale")
    return joined(lowering, parts, axis)


def joined(lowering: Lowering, parts: Sequence[Value], axis: int) -> Value:
    """Values of equal shapes except along an axis."""
    first = parts[0]
    shape = list(first.shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    computed = [p for p in parts if p.constant is None]
    usual = plain(len(shape))
    order = max(computed, key=lambda p: (np.prod(p.shape), p.order != usual)).order if computed else usual
    inputs = [lowering.stored(p, order) for p in parts]
    dtype = lowering.tensors[inputs[0]].dtype
    y = lowering.emit("concat", inputs, stored_shape(shape, order), dtype=dtype, selects=True, axis=order.index(axis))
    return lowering.result(y, shape, order, first.dtype)


def pad(
    lowering: Lowering,
    node: SourceNode,
    x: Value,
    pads: Value | None = None,
    value: Value | None = None,
    axes: Value | None = None,
) -> Value:
    """Pads are an input since opset 11, an attribute before; negative ones cut off."""
    if x.dtype in QUANTIZED:
        return _pad_quantized(lowering, node, x, pads, value, axes)
    if x.dtype not in (INT32, INT64):
        lowering.floats(x)
    rank = len(x.shape)
    amounts = lowering.integers(pads, "pads") if pads is not None else node.attributes.get("pads")
    along = [lowering.axis(a, rank) for a in (lowering.integers(axes, "axes") or range(rank))]
    if amounts is None or len(amounts) != 2 * len(along):
        lowering.malformed(f"its pads {amounts} do not fit its input {x.shape}")
    around = {axis: (amounts[i], amounts[i + len(along)]) for i, axis in enumerate(along)}
    pairs = [around.get(axis, (0, 0)) for axis in range(rank)]
    cut = [range(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape, pairs, strict=True)]
    x = taken(lowering, x, cut)
    pairs = [(max(b, 0), max(a, 0)) for b, a in pairs]
    mode = node.attributes.get("mode", "constant")
    if mode in ("reflect", "edge", "wrap"):
        return _repeated(lowering, x, pairs, mode)
    if mode != "constant":
        lowering.malformed(f"it has mode {mode!r}")
    fill = lowering.number(value, "value", node.attributes.get("value", 0.0))
    stored = int(np.float32(fill).view(np.int32)) if x.dtype == FLOAT32 else int(fill)
    order = plain(rank) if x.constant is not None else x.order
    shape = [b + n + a for n, (b, a) in zip(x.shape, pairs, strict=True)]
    y = lowering.emit(
        "pad", [lowering.stored(x, order)], stored_shape(shape, order), dtype=x.dtype, selects=fill == 0,
        value=stored, padding=tuple(n for axis in order for n in pairs[axis]),
    )  # fmt: skip
    return lowering.result(y, shape, order, x.dtype)


def _pad_quantized(
    lowering: Lowering, node: SourceNode, x: Value, pads: Value | None, value: Value | None, axes: Value | None
) -> Value:
    """Integers on a grid: the border is the float that its integer stands for."""
    grid = lowering.grids.get(x.tensor)
    if x.constant is not None or grid is None or grid.axis is not None:
        lowering.floats(x)
    assert grid is not None
    integer = int(lowering.number(value, "value", 0.0))
    real = grid.reals(np.array(integer - 128 if x.dtype == np.uint8 else integer, np.int8))
    fill = constant(lowering.fresh(f"{lowering.base}/value"), np.asarray(real, np.float32))
    y = pad(lowering, node, replace(x, dtype=FLOAT32), pads, fill, axes)
    lowering.place_grid(y.tensor, grid, holds_integers=True)
    return replace(y, dtype=x.dtype)


def _repeated(lowering: Lowering, x: Value, pairs: Sequence[tuple[int, int]], mode: str) -> Value:
    """A border of the input's own values, one axis after the other."""
    for axis, (before, after) in enumerate(pairs):
        size = x.shape[axis]
        if not before and not after:
            continue
        if size == 0 or (mode != "edge" and max(before, after) > (size - 1 if mode == "reflect" else size)):
            lowering.refuse(f"its border of {max(before, after)} is wider than axis {axis} of {x.shape}")
        first, last = {
            "reflect": (range(before, 0, -1), range(size - 2, size - 2 - after, -1)),
            "wrap": (range(size - before, size), range(after)),
            "edge": (range(1), range(size - 1, size)),
        }[mode]
        parts = [(_along(lowering, x, axis, first), before), (x, size), (_along(lowering, x, axis, last), after)]
        # The one value of an edge is spread; of the others there are as many as the border asks for.
        wide = [
            spread(lowering, part, [count if a == axis else n for a, n in enumerate(x.shape)])
            for part, count in parts
            if count
        ]
        x = joined(lowering, wide, axis)
    return x


def _along(lowering: Lowering, x: Value, axis: int, positions: range) -> Value:
    return taken(lowering, x, [positions if a == axis else range(n) for a, n in enumerate(x.shape)])


def depth_to_space(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    """Channels become blocks of positions."""
    block = _block(lowering, node, x)
    n, c, h, w = x.shape
    if c % (block * block):
        lowering.malformed(f"blocks of {block} do not fit its input {x.shape}")
    depth = c // (block * block)
    mode = node.attributes.get("mode", "DCR")
    if mode == "DCR":
        blocks = lowering.reshaped(x, (n, block, block, depth, h, w)).transposed((0, 3, 4, 1, 5, 2))
    elif mode == "CRD":
        blocks = lowering.reshaped(x, (n, depth, block, block, h, w)).transposed((0, 1, 4, 2, 5, 3))
    else:
        lowering.malformed(f"it has mode {mode!r}")
    return lowering.reshaped(blocks, (n, depth, h * block, w * block))


def space_to_depth(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    block = _block(lowering, node, x)
    n, c, h, w = x.shape
    if h % block or w % block:
        lowering.malformed(f"blocks of {block} do not fit its input {x.shape}")
    mode = node.attributes.get("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        lowering.malformed(f"it has mode {mode!r}")
    blocks = lowering.reshaped(x, (n, c, h // block, block, w // block, block))
    blocks = blocks.transposed((0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4))
    return lowering.reshaped(blocks, (n, c * block * block, h // block, w // block))


def _block(lowering: Lowering, node: SourceNode, x: Value) -> int:
    block = int(node.attributes.get("blocksize", 0))
    if len(x.shape) != 4 or block < 1 or x.dtype not in (FLOAT32, *QUANTIZED):
        lowering.malformed(f"blocks of {block} do not fit its input {x.dtype} {x.shape}")
    return block

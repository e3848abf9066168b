"""SLICE, STRIDED_SLICE, SPLIT, SPLIT_V."""

from __future__ import annotations

from collections.abc import Sequence

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import moved, normal_axis, single
from intaglio.graph import Tensor


def slice_(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    begin, size = lowering.integers(op, 1, "begin"), lowering.integers(op, 2, "size")
    rank = len(x.shape)
    if len(begin) != rank or len(size) != rank:
        lowering.malformed(op, f"begin {begin} and size {size} do not fit an input of rank {rank}")
    size = [n - b if s == -1 else s for n, b, s in zip(x.shape, begin, size, strict=True)]
    if any(b < 0 or s < 0 or b + s > n for n, b, s in zip(x.shape, begin, size, strict=True)):
        lowering.malformed(op, f"begin {begin} and size {size} leave the input {x.shape}")
    _cut(lowering, op, x, lowering.output(op, size), begin, [1] * rank)


def split(lowering: Lowering, op: Operator) -> None:
    """Equal parts; the axis comes first."""
    x = lowering.input(op, 1)
    axis = normal_axis(lowering, op, single(lowering, op, 0, "axis"), len(x.shape))
    count = len(op.outputs)
    if op.options["num_splits"] != count or x.shape[axis] % count:
        lowering.malformed(op, f"axis {axis} of {x.shape} does not split into {op.options['num_splits']} equal parts")
    _parts(lowering, op, x, axis, [x.shape[axis] // count] * count)


def split_v(lowering: Lowering, op: Operator) -> None:
    """Parts of given sizes; one may be -1."""
    x = lowering.input(op, 0)
    sizes = lowering.integers(op, 1, "part sizes")
    axis = normal_axis(lowering, op, single(lowering, op, 2, "axis"), len(x.shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - (sum(sizes) + 1)
    if len(sizes) != len(op.outputs) or min(sizes, default=0) < 0 or sum(sizes) != x.shape[axis]:
        lowering.malformed(op, f"axis {axis} of {x.shape} does not split into parts of {sizes}")
    _parts(lowering, op, x, axis, sizes)


def strided_slice(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    spec = [lowering.integers(op, i, what) for i, what in ((1, "begin"), (2, "end"), (3, "strides"))]
    if len({len(part) for part in spec}) > 1 or 0 in spec[2]:
        lowering.malformed(op, f"begin, end and strides are {spec}")
    begins: list[int] = []
    strides: list[int] = []
    sizes: list[int] = []
    # Sizes of the result: new axes are 1, shrunk axes are left out.
    shape: list[int] = []
    for entry in _entries(lowering, op, len(x.shape), len(spec[0])):
        if entry is None:
            shape.append(1)
            continue
        length = x.shape[len(begins)]
        if entry < 0:
            begin, stride, count = 0, 1, length
        else:
            begin, stride, count = _range(lowering, op, entry, [part[entry] for part in spec], length)
        if entry < 0 or not op.options["shrink_axis_mask"] >> entry & 1:
            shape.append(count)
        begins.append(begin)
        strides.append(stride)
        sizes.append(count)
    y = lowering.output(op, shape)
    if tuple(sizes) == y.shape:
        _cut(lowering, op, x, y, begins, strides)
        return
    cut = lowering.temporary(y, "cut", sizes, x)
    lowering.emit("slice", [x], cut, begin_stride=(*begins, *strides))
    moved(lowering, op, "reshape", cut, y)


def _entries(lowering: Lowering, op: Operator, rank: int, count: int) -> list[int | None]:
    """What each axis of the result before shrinking takes: an entry of the specification, -1 for all, None for new."""
    masks = op.options
    new = [not masks["ellipsis_mask"] >> i & 1 and bool(masks["new_axis_mask"] >> i & 1) for i in range(count)]
    ellipses = [i for i in range(count) if masks["ellipsis_mask"] >> i & 1]
    whole = rank - (count - len(ellipses) - sum(new))
    if len(ellipses) > 1 or whole < 0:
        lowering.malformed(op, f"{count} entries with masks {masks} do not fit an input of rank {rank}")
    entries: list[int | None] = []
    for i in range(count):
        entries += [-1] * whole if i in ellipses else [None if new[i] else i]
    return entries if ellipses else entries + [-1] * whole


def _range(lowering: Lowering, op: Operator, entry: int, spec: Sequence[int], length: int) -> tuple[int, int, int]:
    """First position, stride and number of positions along one axis, with Python's rules for slices."""
    begin, end, stride = spec
    masks = op.options
    if masks["shrink_axis_mask"] >> entry & 1:
        position = begin + length if begin < 0 else begin
        if masks["begin_mask"] >> entry & 1:
            position = 0
        if not 0 <= position < length:
            lowering.malformed(op, f"index {begin} is outside an axis of {length}")
        return position, 1, 1
    if masks["offset"]:
        end += begin
    positions = range(length)[
        slice(
            None if masks["begin_mask"] >> entry & 1 else begin,
            None if masks["end_mask"] >> entry & 1 else end,
            stride,
        )
    ]
    return (positions.start if len(positions) else 0), stride, len(positions)


def _parts(lowering: Lowering, op: Operator, x: Tensor, axis: int, sizes: Sequence[int]) -> None:
    start = 0
    for i, size in enumerate(sizes):
        y = lowering.output(op, (*x.shape[:axis], size, *x.shape[axis + 1 :]), i)
        begin = [start if a == axis else 0 for a in range(len(x.shape))]
        _cut(lowering, op, x, y, begin, [1] * len(begin))
        start += size


def _cut(lowering: Lowering, op: Operator, x: Tensor, y: Tensor, begin: Sequence[int], strides: Sequence[int]) -> None:
    moved(lowering, op, "slice", x, y, begin_stride=(*begin, *strides))

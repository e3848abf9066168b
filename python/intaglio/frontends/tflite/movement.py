"""Ops that move values without changing them; TFLite gives their input and output the same quantization."""

from __future__ import annotations

import math

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.graph import AttrValue, Tensor


def moved(lowering: Lowering, op: Operator, name: str, x: Tensor, y: Tensor, **attrs: AttrValue) -> None:
    """Emits the node that moves x into y."""
    if x.dtype != y.dtype:
        lowering.malformed(op, f"it takes {x.dtype} to {y.dtype}")
    lowering.emit(name, [lowering.relabelled(x, y)], y, **attrs)


def reshape(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    if lowering.has_input(op, 1) and lowering.constant_value(op, 1) is not None:
        shape = lowering.integers(op, 1, "new shape")
    else:
        # A shape computed at run time is fixed once the input's shape is: the file then tells the result.
        shape = list(op.options["new_shape"]) or list(lowering.source_output(op).shape)
    count = math.prod(x.shape)
    if shape.count(-1) == 1:
        known = -math.prod(shape)
        shape[shape.index(-1)] = count // known if known else 0
    if min(shape, default=0) < 0 or math.prod(shape) != count:
        lowering.malformed(op, f"shape {x.shape} does not become {shape}")
    moved(lowering, op, "reshape", x, lowering.output(op, shape))


def squeeze(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    rank = len(x.shape)
    dims = op.options["squeeze_dims"]
    axes = {normal_axis(lowering, op, d, rank) for d in dims} or {i for i in range(rank) if x.shape[i] == 1}
    if any(x.shape[i] != 1 for i in axes):
        lowering.malformed(op, f"axes {sorted(axes)} of {x.shape} are not all 1")
    moved(lowering, op, "reshape", x, lowering.output(op, [n for i, n in enumerate(x.shape) if i not in axes]))


def expand_dims(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    axis = normal_axis(lowering, op, single(lowering, op, 1, "axis"), len(x.shape) + 1)
    moved(lowering, op, "reshape", x, lowering.output(op, (*x.shape[:axis], 1, *x.shape[axis:])))


def transpose(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    rank = len(x.shape)
    permutation = tuple(normal_axis(lowering, op, p, rank) for p in lowering.integers(op, 1, "permutation"))
    if sorted(permutation) != list(range(rank)):
        lowering.malformed(op, f"{permutation} is not an order of the axes of {x.shape}")
    moved(lowering, op, "transpose", x, lowering.output(op, [x.shape[p] for p in permutation]), permutation=permutation)


def broadcast_to(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    shape = lowering.integers(op, 1, "shape")
    aligned = zip(reversed(x.shape), reversed(shape), strict=False)
    if len(shape) < len(x.shape) or any(a not in (1, b) for a, b in aligned) or min(shape, default=0) < 0:
        lowering.malformed(op, f"shape {x.shape} does not broadcast to {shape}")
    moved(lowering, op, "broadcast_to", x, lowering.output(op, shape))


def pad(lowering: Lowering, op: Operator) -> None:
    """PAD pads with zero, PADV2 with its third input."""
    x = lowering.input(op, 0)
    padding = paddings(lowering, op, 1, len(x.shape))
    y = lowering.output(op, [b + n + a for n, b, a in zip(x.shape, padding[::2], padding[1::2], strict=True)])
    value = y.zero_point
    if lowering.has_input(op, 2):
        constant = lowering.constant(op, 2, "padding value")
        if constant.size != 1 or constant.dtype != y.dtype:
            lowering.malformed(op, f"its padding value is {constant.dtype} of shape {constant.shape}")
        number = constant.reshape(-1)[0]
        value = int(number)
        if value != number:
            lowering.refuse(op, f"its padding value {number} is not an integer")
    moved(lowering, op, "pad", x, y, value=value, padding=padding)


def paddings(lowering: Lowering, op: Operator, i: int, rank: int) -> tuple[int, ...]:
    """(before, after) of each axis."""
    padding = tuple(lowering.integers(op, i, "padding"))
    if len(padding) != 2 * rank or min(padding, default=0) < 0:
        lowering.malformed(op, f"its padding is {padding} for an input of rank {rank}")
    return padding


def normal_axis(lowering: Lowering, op: Operator, axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < rank:
        lowering.malformed(op, f"it names axis {axis} of an input of rank {rank}")
    return axis % rank


def single(lowering: Lowering, op: Operator, i: int, what: str) -> int:
    """Input ``i`` as one integer."""
    values = lowering.integers(op, i, what)
    if len(values) != 1:
        lowering.malformed(op, f"its {what} has {len(values)} elements, expected one")
    return values[0]

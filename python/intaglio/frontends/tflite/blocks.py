"""Exchanges between space and depth or batch: reshape, transpose, reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import moved
from intaglio.graph import Tensor


def space_to_depth(lowering: Lowering, op: Operator) -> None:
    x, block = _image(lowering, op), _block(lowering, op)
    n, h, w, c = x.shape
    if h % block or w % block:
        lowering.malformed(op, f"blocks of {block} do not fit its input {x.shape}")
    y = lowering.output(op, (n, h // block, w // block, block * block * c))
    split = (n, h // block, block, w // block, block, c)
    _regrouped(lowering, op, x, y, split, (0, 1, 3, 2, 4, 5))


def depth_to_space(lowering: Lowering, op: Operator) -> None:
    x, block = _image(lowering, op), _block(lowering, op)
    n, h, w, c = x.shape
    if c % (block * block):
        lowering.malformed(op, f"blocks of {block} do not fit its input {x.shape}")
    y = lowering.output(op, (n, h * block, w * block, c // (block * block)))
    split = (n, h, w, block, block, c // (block * block))
    _regrouped(lowering, op, x, y, split, (0, 1, 3, 2, 4, 5))


def space_to_batch_nd(lowering: Lowering, op: Operator) -> None:
    """Pads with zero, then moves the positions within each block to the front of the batch."""
    x = lowering.input(op, 0)
    block = _blocks(lowering, op, x)
    m = len(block)
    padding = _borders(lowering, op, "padding", m)
    space = [n + b + a for n, b, a in zip(x.shape[1 : 1 + m], padding[::2], padding[1::2], strict=True)]
    if any(n % b for n, b in zip(space, block, strict=True)):
        lowering.malformed(op, f"blocks {block} do not fit the padded input {space}")
    batch, rest = x.shape[0], x.shape[1 + m :]
    outer = [n // b for n, b in zip(space, block, strict=True)]
    y = lowering.output(op, (batch * math.prod(block), *outer, *rest))
    if any(padding):
        padded = lowering.temporary(y, "padded", (batch, *space, *rest), x)
        around = (0, 0, *padding, *[0] * (2 * len(rest)))
        x = lowering.emit("pad", [x], padded, value=x.zero_point, padding=around)
    split = (batch, *(n for pair in zip(outer, block, strict=True) for n in pair), *rest)
    inner_axes, outer_axes = range(2, 2 * m + 1, 2), range(1, 2 * m + 1, 2)
    order = (*inner_axes, 0, *outer_axes, *range(2 * m + 1, len(split)))
    _regrouped(lowering, op, x, y, split, order)


def batch_to_space_nd(lowering: Lowering, op: Operator) -> None:
    """The reverse; then cuts the borders off."""
    x = lowering.input(op, 0)
    block = _blocks(lowering, op, x)
    m = len(block)
    crops = _borders(lowering, op, "crops", m)
    space = [n * b for n, b in zip(x.shape[1 : 1 + m], block, strict=True)]
    kept = [n - b - a for n, b, a in zip(space, crops[::2], crops[1::2], strict=True)]
    if x.shape[0] % math.prod(block) or min(kept) < 0:
        lowering.malformed(op, f"blocks {block} and crops {crops} do not fit its input {x.shape}")
    batch, rest = x.shape[0] // math.prod(block), x.shape[1 + m :]
    split = (*block, batch, *x.shape[1:])
    order = (m, *(a for i in range(m) for a in (m + 1 + i, i)), *range(2 * m + 1, len(split)))
    y = lowering.output(op, (batch, *kept, *rest))
    if not any(crops):
        _regrouped(lowering, op, x, y, split, order)
        return
    whole = lowering.temporary(y, "whole", (batch, *space, *rest), x)
    _regrouped(lowering, op, x, whole, split, order)
    begin = (0, *crops[::2], *[0] * len(rest))
    moved(lowering, op, "slice", whole, y, begin_stride=(*begin, *[1] * len(begin)))


def _regrouped(
    lowering: Lowering, op: Operator, x: Tensor, y: Tensor, split: Sequence[int], order: Sequence[int]
) -> None:
    """x split into more axes, these reordered, and joined as y."""
    if len(split) > 8:
        lowering.refuse(op, f"it needs rank {len(split)}; at most 8 is supported")
    parts = lowering.emit("reshape", [x], lowering.temporary(y, "split", split, x))
    ordered = lowering.temporary(y, "ordered", [split[i] for i in order], x)
    lowering.emit("transpose", [parts], ordered, permutation=tuple(order))
    moved(lowering, op, "reshape", ordered, y)


def _image(lowering: Lowering, op: Operator) -> Tensor:
    x = lowering.input(op, 0)
    if len(x.shape) != 4:
        lowering.malformed(op, f"its input has the shape {x.shape}, expected [N, H, W, C]")
    return x


def _block(lowering: Lowering, op: Operator) -> int:
    block: int = op.options["block_size"]
    if not 1 <= block < 1 << 16:
        lowering.malformed(op, f"its block size is {block}")
    return block


def _blocks(lowering: Lowering, op: Operator, x: Tensor) -> list[int]:
    block = lowering.integers(op, 1, "block shape")
    if not 1 <= len(block) < len(x.shape) or min(block) < 1:
        lowering.malformed(op, f"blocks {block} do not fit its input {x.shape}")
    return block


def _borders(lowering: Lowering, op: Operator, what: str, count: int) -> list[int]:
    borders = lowering.integers(op, 2, what)
    if len(borders) != 2 * count or min(borders) < 0:
        lowering.malformed(op, f"its {what} are {borders} for {count} axes")
    return borders

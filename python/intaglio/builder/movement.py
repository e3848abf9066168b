"""Building ops that move values. Those without a code of their own become the ones that have one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from intaglio.builder.core import GraphAssembler
from intaglio.errors import ShapeError
from intaglio.graph import AttrValue
from intaglio.rules.view import listed


def normal_axis(op: str, axis: int, rank: int) -> int:
    """An axis counted from the front; negative ones count from the back."""
    if not -rank <= axis < rank:
        raise ShapeError(f"{op}: axis: expected {-rank} to {rank - 1}, got {axis}")
    return axis % rank


class MovementMixin(GraphAssembler):
    """Reshapes, slices, padding, joining and splitting."""

    def reshape(self, x: str, shape: Sequence[int], *, name: str | None = None) -> str:
        """The same values in another shape; one size may be -1."""
        return self.node("reshape", (x,), shape=self._filled(x, shape), **self._like(x), name=name)

    def squeeze(self, x: str, axes: Sequence[int] | None = None, *, name: str | None = None) -> str:
        """Drop axes of size 1: these, or all."""
        shape = self.tensor(x).shape
        chosen = [i for i, n in enumerate(shape) if n == 1] if axes is None else axes
        dropped = {normal_axis("squeeze", axis, len(shape)) for axis in chosen}
        if any(shape[axis] != 1 for axis in dropped):
            raise ShapeError(f"squeeze: expected axes of size 1, got {sorted(dropped)} of {listed(shape)}")
        return self.reshape(x, [n for i, n in enumerate(shape) if i not in dropped], name=name)

    def expand_dims(self, x: str, axis: int, *, name: str | None = None) -> str:
        """Insert an axis of size 1."""
        shape = list(self.tensor(x).shape)
        shape.insert(normal_axis("expand_dims", axis, len(shape) + 1), 1)
        return self.reshape(x, shape, name=name)

    def transpose(self, x: str, permutation: Sequence[int] | None = None, *, name: str | None = None) -> str:
        """Axis i of the result is axis permutation[i] of x; without one, all axes reversed."""
        shape = self.tensor(x).shape
        order = tuple(reversed(range(len(shape)))) if permutation is None else tuple(permutation)
        order = tuple(normal_axis("transpose", p, len(shape)) for p in order)
        moved = [shape[p] for p in order]
        return self.node("transpose", (x,), {"permutation": order}, shape=moved, **self._like(x), name=name)

    def slice(self, x: str, begin: Sequence[int], size: Sequence[int], *, name: str | None = None) -> str:
        """The block at ``begin``; a size of -1 reaches to the end."""
        shape = self.tensor(x).shape
        if not len(begin) == len(size) == len(shape):
            raise ShapeError(f"slice: expected {len(shape)} begins and sizes, got {listed(begin)}, {listed(size)}")
        sizes = [n - b if s == -1 else s for n, b, s in zip(shape, begin, size, strict=True)]
        return self._slice(x, begin, [1] * len(shape), sizes, name)

    def strided_slice(
        self,
        x: str,
        begin: Sequence[int | None],
        end: Sequence[int | None],
        strides: Sequence[int] | None = None,
        *,
        name: str | None = None,
    ) -> str:
        """Python's slicing per axis; missing last axes are taken whole."""
        shape = self.tensor(x).shape
        steps = [1] * len(begin) if strides is None else list(strides)
        if not len(begin) == len(end) == len(steps) <= len(shape):
            raise ShapeError(f"strided_slice: expected up to {len(shape)} begins, ends and strides, got {len(begin)}")
        if 0 in steps:
            raise ShapeError("strided_slice: expected strides other than 0, got 0")
        ranges = [range(n)[slice(b, e, s)] for n, b, e, s in zip(shape, begin, end, steps, strict=False)]
        ranges += [range(n) for n in shape[len(begin) :]]
        return self._slice(x, [r.start for r in ranges], [r.step for r in ranges], [len(r) for r in ranges], name)

    def split(self, x: str, parts: int | Sequence[int], axis: int, *, name: str | None = None) -> list[str]:
        """Equal parts, or parts of these sizes, along an axis."""
        shape = self.tensor(x).shape
        axis = normal_axis("split", axis, len(shape))
        if isinstance(parts, int) and (parts < 1 or shape[axis] % parts):
            raise ShapeError(f"split: expected a divisor of {shape[axis]}, got {parts}")
        sizes = [shape[axis] // parts] * parts if isinstance(parts, int) else list(parts)
        if sum(sizes) != shape[axis]:
            raise ShapeError(f"split: expected sizes that add up to {shape[axis]}, got {sizes}")
        name = name or self._fresh("split")
        results, start = [], 0
        for i, size in enumerate(sizes):
            begin = [start if a == axis else 0 for a in range(len(shape))]
            sizes_here = [size if a == axis else n for a, n in enumerate(shape)]
            results.append(self.slice(x, begin, sizes_here, name=f"{name}:{i}"))
            start += size
        return results

    def unpack(self, x: str, axis: int = 0, *, name: str | None = None) -> list[str]:
        """One tensor per position of an axis, which is dropped."""
        shape = self.tensor(x).shape
        axis = normal_axis("unpack", axis, len(shape))
        name = name or self._fresh("unpack")
        parts = self.split(x, [1] * shape[axis], axis, name=f"{name}/split")
        return [self.squeeze(part, [axis], name=f"{name}:{i}") for i, part in enumerate(parts)]

    def pad(
        self, x: str, padding: Sequence[Sequence[int]], value: int | None = None, *, name: str | None = None
    ) -> str:
        """(before, after) per axis, filled with a stored value: by default the real 0."""
        shape, fill = self.tensor(x).shape, self.tensor(x).zero_point if value is None else value
        if len(padding) != len(shape) or any(len(p) != 2 for p in padding):
            raise ShapeError(f"pad: padding: expected {len(shape)} pairs, got {padding}")
        padded = [before + n + after for n, (before, after) in zip(shape, padding, strict=True)]
        flat = tuple(n for around in padding for n in around)
        return self.node("pad", (x,), {"value": fill, "padding": flat}, shape=padded, **self._like(x), name=name)

    def concat(self, inputs: Sequence[str], axis: int, *, name: str | None = None) -> str:
        """One after the other along an axis; all share scale and zero point."""
        if not inputs:
            raise ShapeError("concat: expected one input or more, got none")
        shape = list(self.tensor(inputs[0]).shape)
        axis = normal_axis("concat", axis, len(shape))
        shape[axis] = sum(self.tensor(x).shape[axis] for x in inputs if len(self.tensor(x).shape) == len(shape))
        return self.node("concat", inputs, {"axis": axis}, shape=shape, **self._like(inputs[0]), name=name)

    def pack(self, inputs: Sequence[str], axis: int = 0, *, name: str | None = None) -> str:
        """Tensors of one shape along a new axis."""
        name = name or self._fresh("pack")
        expanded = [self.expand_dims(x, axis, name=f"{name}/expand_{i}") for i, x in enumerate(inputs)]
        rank = len(self.tensor(inputs[0]).shape) + 1 if inputs else 1
        return self.concat(expanded, normal_axis("pack", axis, rank), name=name)

    def broadcast_to(self, x: str, shape: Sequence[int], *, name: str | None = None) -> str:
        """NumPy's broadcasting to a shape."""
        return self.node("broadcast_to", (x,), shape=shape, **self._like(x), name=name)

    def depth_to_space(self, x: str, block: int, *, name: str | None = None) -> str:
        """[N,H,W,b*b*C] to [N,H*b,W*b,C]."""
        n, h, w, c = self._nhwc("depth_to_space", x)
        if block < 1 or c % (block * block):
            raise ShapeError(f"depth_to_space: block: expected its square to divide {c}, got {block}")
        shapes = ((n, h, w, block, block, c // block**2), (n, h * block, w * block, c // block**2))
        return self._rearranged("depth_to_space", x, shapes[0], (0, 1, 3, 2, 4, 5), shapes[1], name)

    def space_to_depth(self, x: str, block: int, *, name: str | None = None) -> str:
        """[N,H*b,W*b,C] to [N,H,W,b*b*C]."""
        n, h, w, c = self._nhwc("space_to_depth", x)
        if block < 1 or h % block or w % block:
            raise ShapeError(f"space_to_depth: block: expected a divisor of {h} and {w}, got {block}")
        shapes = ((n, h // block, block, w // block, block, c), (n, h // block, w // block, c * block**2))
        return self._rearranged("space_to_depth", x, shapes[0], (0, 1, 3, 2, 4, 5), shapes[1], name)

    def _rearranged(
        self, op: str, x: str, split: Sequence[int], order: Sequence[int], shape: Sequence[int], name: str | None
    ) -> str:
        name = name or self._fresh(op)
        blocks = self.reshape(x, split, name=f"{name}/split")
        return self.reshape(self.transpose(blocks, order, name=f"{name}/transpose"), shape, name=name)

    def _slice(
        self, x: str, begin: Sequence[int], strides: Sequence[int], size: Sequence[int], name: str | None
    ) -> str:
        attrs: dict[str, AttrValue] = {"begin_stride": (*begin, *strides)}
        return self.node("slice", (x,), attrs, shape=size, **self._like(x), name=name)

    def _filled(self, x: str, shape: Sequence[int]) -> list[int]:
        sizes = [int(n) for n in shape]
        if sizes.count(-1) == 1:
            known, total = -math.prod(sizes), math.prod(self.tensor(x).shape)
            if known <= 0 or total % known:
                raise ShapeError(f"reshape: expected sizes that divide {total} elements, got {listed(shape)}")
            sizes[sizes.index(-1)] = total // known
        return sizes

    def _nhwc(self, op: str, x: str) -> tuple[int, int, int, int]:
        shape = self.tensor(x).shape
        if len(shape) != 4:
            raise ShapeError(f"{op}: rank: expected 4, got {listed(shape)}")
        n, h, w, c = shape
        return n, h, w, c

"""Sliding windows: kernels, strides and padding as ONNX writes them, over images and over sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intaglio.frontends.onnx.lowering import Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value
from intaglio.geometry import Padding, extent, same_padding, window_count


@dataclass(frozen=True)
class Geometry:
    stride: tuple[int, int]
    padding: Padding
    dilation: tuple[int, int]
    output: tuple[int, int]


class Window:
    """The attributes of a windowed operator with one or two spatial axes, as for two."""

    def __init__(self, lowering: Lowering, node: SourceNode, spatial: int) -> None:
        self._lowering = lowering
        self._attributes = node.attributes
        self._spatial = spatial
        self.stride = self.sizes("strides", 1)
        self.dilation = self.sizes("dilations", 1)
        if min(*self.stride, *self.dilation) < 1:
            lowering.malformed(f"it has strides {self.stride} and dilations {self.dilation}")

    def sizes(self, name: str, default: int) -> tuple[int, int]:
        """One number for each spatial axis; a sequence has one row."""
        values = self._attributes.get(name) or [default] * self._spatial
        if len(values) != self._spatial:
            self._lowering.malformed(f"its {name} {values} do not fit {self._spatial} spatial axes")
        first, second = [default] * (2 - self._spatial) + [int(v) for v in values]
        return first, second

    def pads(self) -> tuple[list[int], list[int]]:
        """Padding before and after each axis."""
        pads = [int(p) for p in self._attributes.get("pads") or [0] * (2 * self._spatial)]
        if len(pads) != 2 * self._spatial:
            self._lowering.malformed(f"its pads {pads} do not fit {self._spatial} spatial axes")
        if min(pads) < 0:
            self._lowering.refuse(f"its pads {pads} are negative")
        rows = [0] * (2 - self._spatial)
        return rows + pads[: self._spatial], rows + pads[self._spatial :]


def window(
    lowering: Lowering, node: SourceNode, size: Sequence[int], kernel: Sequence[int], *, ceil: bool = False
) -> Geometry:
    """Where the windows of an operator lie. ``ceil`` also counts those that reach beyond the end."""
    given = Window(lowering, node, len(size))
    rows = [1] * (2 - len(size))
    sizes, kernels = [*rows, *size], [*rows, *kernel]
    if min(kernels) < 1 or len(kernels) != 2:
        lowering.malformed(f"its kernel has the size {list(kernel)}")
    before, after = given.pads()
    output = []
    for axis in range(2):
        stride, dilation = given.stride[axis], given.dilation[axis]
        mode = node.attributes.get("auto_pad", "NOTSET")
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            pair = same_padding(sizes[axis], kernels[axis], stride, dilation)
            before[axis], after[axis] = pair if mode == "SAME_UPPER" else pair[::-1]
        elif mode == "VALID":
            before[axis] = after[axis] = 0
        elif mode != "NOTSET":
            lowering.malformed(f"it has auto_pad {mode!r}")
        count = window_count(sizes[axis], kernels[axis], stride, before[axis] + after[axis], dilation)
        if ceil:
            reach = sizes[axis] + before[axis] + after[axis] - extent(kernels[axis], dilation)
            more = -(-reach // stride) + 1
            # A window that would begin in the padding after the input does not count.
            if (more - 1) * stride < sizes[axis] + before[axis] and more > count:
                count = more
                after[axis] += (more - 1) * stride - reach
        output.append(count)
    if min(output) < 1:
        lowering.malformed(f"its window {list(kernel)} does not fit its input of size {list(size)}")
    padding = (before[0], before[1], after[0], after[1])
    return Geometry(given.stride, padding, given.dilation, (output[0], output[1]))


def as_image(lowering: Lowering, x: Value) -> Value:
    """[N, C, L] as [N, C, 1, L]."""
    return x if len(x.shape) == 4 else lowering.reshaped(x, (*x.shape[:2], 1, x.shape[2]))


def from_image(lowering: Lowering, y: Value, spatial: int) -> Value:
    """[N, C, 1, L] as [N, C, L] where the source had that."""
    return y if spatial == 2 else lowering.reshaped(y, (*y.shape[:2], y.shape[3]))

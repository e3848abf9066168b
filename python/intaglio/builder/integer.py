"""Building ops on integers, and changes of the element type."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from intaglio.builder.core import GraphAssembler
from intaglio.builder.movement import normal_axis
from intaglio.builder.sums import PaddingLike, Pair, need_rank, pair, resolve_padding, windows
from intaglio.errors import ShapeError
from intaglio.graph import Tensor
from intaglio.opset import IntegerBinary


class IntegerMixin(GraphAssembler):
    """Sums of products in int32, quantization while running, casts and gathers.

    Zero points and indices are numbers or arrays, or the names of int32 tensors.
    """

    def integer_conv2d(
        self,
        x: str,
        x_zero_point: ArrayLike | str,
        weights: ArrayLike | str,
        weight_zero_point: ArrayLike | str = 0,
        *,
        stride: Pair = 1,
        padding: PaddingLike = "valid",
        dilation: Pair = 1,
        groups: int = 1,
        name: str | None = None,
    ) -> str:
        """Convolution; weights int8 [O, kh, kw, I / groups]."""
        name = name or self._fresh("integer_conv2d")
        weight = weights if isinstance(weights, str) else self._part(name, "weight", np.asarray(weights, np.int8))
        need_rank("integer_conv2d input", shape := self.tensor(x).shape, 4)
        need_rank("integer_conv2d weights", kernel := self.tensor(weight).shape, 4)
        pads = resolve_padding(padding, shape[1:3], kernel[1:3], stride, dilation)
        size = windows(shape[1:3], kernel[1:3], stride, pads, dilation)
        inputs = (
            x,
            self._int32(name, "x_zero_point", x_zero_point),
            weight,
            self._int32(name, "weight_zero_point", weight_zero_point, least_rank=1),
        )
        return self.node(
            "integer_conv2d",
            inputs,
            {"stride": pair(stride), "padding": pads, "dilation": pair(dilation), "groups": groups},
            shape=(shape[0], *size, kernel[0]),
            dtype=np.int32,
            name=name,
        )

    def integer_matmul(
        self,
        a: str,
        a_zero_point: ArrayLike | str,
        b: ArrayLike | str,
        b_zero_point: ArrayLike | str = 0,
        *,
        name: str | None = None,
    ) -> str:
        """a [..., M, K] times b int8 [..., K, N]; leading axes broadcast."""
        name = name or self._fresh("integer_matmul")
        factor = b if isinstance(b, str) else self._part(name, "b", np.asarray(b, np.int8))
        first, second = self.tensor(a).shape, self.tensor(factor).shape
        if min(len(first), len(second)) < 2:
            raise ShapeError(f"integer_matmul: expected operands of rank 2 or more, got {first} and {second}")
        try:
            leading = np.broadcast_shapes(first[:-2], second[:-2])
        except ValueError:
            raise ShapeError(f"integer_matmul: expected leading axes that broadcast, got {first}, {second}") from None
        inputs = (
            a,
            self._int32(name, "a_zero_point", a_zero_point),
            factor,
            self._int32(name, "b_zero_point", b_zero_point),
        )
        shape = (*leading, first[-2], second[-1])
        return self.node("integer_matmul", inputs, shape=shape, dtype=np.int32, name=name)

    def dynamic_quantize(self, x: str, *, name: str | None = None) -> tuple[str, str, str]:
        """float32 to int8; the names of the values, their scale and their zero point."""
        name = name or self._fresh("dynamic_quantize")
        results = (
            Tensor(name, self.tensor(x).shape, np.dtype(np.int8), np.float32(1)),
            Tensor(f"{name}/scale", (), np.dtype(np.float32)),
            Tensor(f"{name}/zero_point", (), np.dtype(np.int32)),
        )
        self._add_node("dynamic_quantize", name, (x,), results)
        return results[0].name, results[1].name, results[2].name

    def cast(self, x: str, dtype: DTypeLike, *, name: str | None = None) -> str:
        """Another element type."""
        return self.node("cast", (x,), shape=self.tensor(x).shape, dtype=dtype, name=name)

    def gather(self, x: str, indices: ArrayLike | str, axis: int = 0, *, name: str | None = None) -> str:
        """Positions along an axis; negative ones count from the end."""
        name = name or self._fresh("gather")
        if not isinstance(indices, str):
            indices = self._part(name, "indices", np.asarray(indices, np.int64))
        shape, taken = self.tensor(x).shape, self.tensor(indices).shape
        axis = normal_axis("gather", axis, len(shape))
        result = (*shape[:axis], *taken, *shape[axis + 1 :])
        return self.node("gather", (x, indices), {"axis": axis}, shape=result, **self._like(x), name=name)

    def gather_nd(self, x: str, indices: ArrayLike | str, *, name: str | None = None) -> str:
        """Positions along the first axes of x, which lie along the last axis of the indices."""
        name = name or self._fresh("gather_nd")
        if not isinstance(indices, str):
            indices = self._part(name, "indices", np.asarray(indices, np.int64))
        shape, taken = self.tensor(x).shape, self.tensor(indices).shape
        depth = taken[-1] if taken else 0
        return self.node("gather_nd", (x, indices), shape=(*taken[:-1], *shape[depth:]), **self._like(x), name=name)

    def integer_binary(self, kind: IntegerBinary, a: str, b: ArrayLike | str, *, name: str | None = None) -> str:
        """Arithmetic on int32 or int64; b may be numbers."""
        name = name or self._fresh("integer_binary")
        dtype = self.tensor(a).dtype
        if not isinstance(b, str):
            b = self._part(name, "b", np.asarray(b, dtype))
        shape = np.broadcast_shapes(self.tensor(a).shape, self.tensor(b).shape)
        return self.node("integer_binary", (a, b), {"kind": int(kind)}, shape=shape, dtype=dtype, name=name)

    def _int32(self, node: str, part: str, values: ArrayLike | str, least_rank: int = 0) -> str:
        if isinstance(values, str):
            return values
        return self._part(node, part, np.array(values, np.int32, ndmin=least_rank))

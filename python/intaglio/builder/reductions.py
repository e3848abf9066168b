"""Building pooling, mean, softmax, arg max and arg min."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from intaglio.builder.core import Activation, GraphAssembler, clamp_bounds
from intaglio.builder.movement import normal_axis
from intaglio.builder.sums import PaddingLike, Pair, need_rank, pair, resolve_padding, windows
from intaglio.graph import AttrValue
from intaglio.opset import Requant, Rounding
from intaglio.quantization import Requantization, check_scale
from intaglio.softmax_tables import softmax_numerator, softmax_table


class ReductionsMixin(GraphAssembler):
    """Ops that make one value of many."""

    def max_pool2d(
        self,
        x: str,
        kernel: Pair,
        *,
        stride: Pair | None = None,
        padding: PaddingLike = "valid",
        activation: Activation = None,
        name: str | None = None,
    ) -> str:
        """The largest value of each window; the stride is the kernel unless given."""
        return self._pool("max_pool2d", x, kernel, stride, padding, activation, {}, name)

    def average_pool2d(
        self,
        x: str,
        kernel: Pair,
        *,
        stride: Pair | None = None,
        padding: PaddingLike = "valid",
        activation: Activation = None,
        rounding: Rounding = Rounding.HALF_AWAY,
        name: str | None = None,
    ) -> str:
        """The mean of each window's positions inside the input; the stride is the kernel unless given."""
        return self._pool("average_pool2d", x, kernel, stride, padding, activation, {"rounding": rounding}, name)

    def global_max_pool(self, x: str, *, name: str | None = None) -> str:
        """The largest value of each channel, [N,1,1,C]."""
        need_rank("global_max_pool input", shape := self.tensor(x).shape, 4)
        return self.max_pool2d(x, shape[1:3], name=name)

    def global_average_pool(self, x: str, *, name: str | None = None) -> str:
        """The mean of each channel, [N,1,1,C]."""
        need_rank("global_average_pool input", shape := self.tensor(x).shape, 4)
        return self.average_pool2d(x, shape[1:3], name=name)

    def mean(
        self,
        x: str,
        axes: Sequence[int],
        out_scale: float,
        out_zero_point: int,
        *,
        keepdims: bool = False,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """The mean over axes."""
        shape = self.tensor(x).shape
        chosen = sorted({normal_axis("mean", axis, len(shape)) for axis in axes})
        count = int(np.prod([shape[a] for a in chosen], dtype=np.int64))
        factor = float(self._activation_scale(x)) / (check_scale(out_scale) * max(count, 1))
        parameters = requantization or Requantization.of_factors(self.requant, factor)
        kept = [1 if i in chosen else n for i, n in enumerate(shape)]
        name = name or self._fresh("mean")
        return self.node(
            "mean",
            (x, *self._requantization_inputs(name, parameters)),
            {"requant": parameters.mode, "axes": tuple(chosen)},
            shape=kept if keepdims else [n for i, n in enumerate(shape) if i not in chosen],
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

    def softmax(
        self,
        x: str,
        out_scale: float = 1 / 256,
        out_zero_point: int = -128,
        *,
        beta: float = 1.0,
        requant: Requant | None = None,
        name: str | None = None,
    ) -> str:
        """Softmax over the last axis."""
        mode = self.requant if requant is None else requant
        table = softmax_table(mode, float(self._activation_scale(x)), beta)
        name = name or self._fresh("softmax")
        return self.node(
            "softmax",
            (x, self._part(name, "table", table)),
            {"requant": mode, "numerator": softmax_numerator(mode, out_scale)},
            shape=self.tensor(x).shape,
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

    def arg_max(self, x: str, axis: int = -1, *, dtype: DTypeLike = np.int64, name: str | None = None) -> str:
        """The index of the first largest value along an axis, which is dropped."""
        return self._arg("arg_max", x, axis, dtype, name)

    def arg_min(self, x: str, axis: int = -1, *, dtype: DTypeLike = np.int64, name: str | None = None) -> str:
        """The index of the first smallest value along an axis, which is dropped."""
        return self._arg("arg_min", x, axis, dtype, name)

    def _arg(self, op: str, x: str, axis: int, dtype: DTypeLike, name: str | None) -> str:
        shape = self.tensor(x).shape
        axis = normal_axis(op, axis, len(shape))
        return self.node(op, (x,), {"axis": axis}, shape=shape[:axis] + shape[axis + 1 :], dtype=dtype, name=name)

    def _pool(
        self,
        op: str,
        x: str,
        kernel: Pair,
        stride: Pair | None,
        padding: PaddingLike,
        activation: Activation,
        more: dict[str, AttrValue],
        name: str | None,
    ) -> str:
        need_rank(f"{op} input", shape := self.tensor(x).shape, 4)
        stride = kernel if stride is None else stride
        pads = resolve_padding(padding, shape[1:3], kernel, stride, 1)
        like = self._like(x)
        attrs: dict[str, AttrValue] = {
            "kernel": pair(kernel),
            "stride": pair(stride),
            "padding": pads,
            "clamp": clamp_bounds(activation, float(self._activation_scale(x)), like["zero_point"]),
        }
        size = windows(shape[1:3], kernel, stride, pads)
        return self.node(op, (x,), attrs | more, shape=(shape[0], *size, shape[3]), **like, name=name)

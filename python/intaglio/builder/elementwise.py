"""Building elementwise ops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intaglio.builder.core import Activation, GraphAssembler, clamp_bounds
from intaglio.errors import ShapeError, UnsupportedOpError
from intaglio.functions import FUNCTIONS
from intaglio.graph import AttrValue
from intaglio.opset import Rounding
from intaglio.quantization import Requantization, SumParameters, add_parameters, make_table


class ElementwiseMixin(GraphAssembler):
    """Arithmetic with broadcasting, tables, and changes between float32 and int8."""

    def add(
        self,
        a: str,
        b: str,
        out_scale: float,
        out_zero_point: int,
        *,
        activation: Activation = None,
        parameters: SumParameters | None = None,
        name: str | None = None,
    ) -> str:
        """a + b."""
        return self._weighted_sum("add", a, b, out_scale, out_zero_point, activation, parameters, name)

    def sub(
        self,
        a: str,
        b: str,
        out_scale: float,
        out_zero_point: int,
        *,
        activation: Activation = None,
        parameters: SumParameters | None = None,
        name: str | None = None,
    ) -> str:
        """a - b."""
        return self._weighted_sum("sub", a, b, out_scale, out_zero_point, activation, parameters, name)

    def mul(
        self,
        a: str,
        b: str,
        out_scale: float,
        out_zero_point: int,
        *,
        activation: Activation = None,
        requantization: Requantization | None = None,
        name: str | None = None,
    ) -> str:
        """a * b."""
        scales = (self._activation_scale(a), self._activation_scale(b), out_scale)
        parameters = requantization or Requantization.of_product(self.requant, *scales)
        name = name or self._fresh("mul")
        return self.node(
            "mul",
            (a, b, *self._requantization_inputs(name, parameters)),
            {"requant": parameters.mode, "clamp": clamp_bounds(activation, out_scale, out_zero_point)},
            shape=self._broadcast("mul", a, b),
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

    def maximum(self, a: str, b: str, *, name: str | None = None) -> str:
        """The larger of two tensors of one scale and zero point."""
        return self.node("maximum", (a, b), shape=self._broadcast("maximum", a, b), **self._like(a), name=name)

    def minimum(self, a: str, b: str, *, name: str | None = None) -> str:
        """The smaller of two tensors of one scale and zero point."""
        return self.node("minimum", (a, b), shape=self._broadcast("minimum", a, b), **self._like(a), name=name)

    def lookup(
        self, x: str, table: NDArray[np.int8], out_scale: float, out_zero_point: int, *, name: str | None = None
    ) -> str:
        """table[x + 128]."""
        name = name or self._fresh("lookup")
        return self.node(
            "lookup",
            (x, self._part(name, "table", table)),
            shape=self.tensor(x).shape,
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

    def unary(
        self,
        function: str | Callable[[NDArray[np.float64]], NDArray[np.float64]],
        x: str,
        out_scale: float,
        out_zero_point: int,
        *,
        name: str | None = None,
        **parameters: float,
    ) -> str:
        """A real function as a table: one of `functions.FUNCTIONS` by name, or any callable on float64 arrays."""
        if isinstance(function, str):
            if function not in FUNCTIONS:
                raise UnsupportedOpError(f"unary: expected one of {', '.join(FUNCTIONS)}, got '{function}'")
            name = name or self._fresh(function)
            function = FUNCTIONS[function]
        chosen: Callable[..., NDArray[np.float64]] = function
        scale, zero_point = self._activation_scale(x), self.tensor(x).zero_point
        table = make_table(lambda v: chosen(v, **parameters), float(scale), zero_point, out_scale, out_zero_point)
        return self.lookup(x, table, out_scale, out_zero_point, name=name)

    def requantize(self, x: str, out_scale: float, out_zero_point: int, *, name: str | None = None) -> str:
        """The same real values in another scale and zero point."""
        return self.unary(lambda v: v, x, out_scale, out_zero_point, name=name or self._fresh("requantize"))

    def quantize(
        self,
        x: str,
        out_scale: float,
        out_zero_point: int,
        *,
        rounding: Rounding = Rounding.HALF_EVEN,
        name: str | None = None,
    ) -> str:
        """float32 to int8."""
        return self.node(
            "quantize",
            (x,),
            {"rounding": rounding},
            shape=self.tensor(x).shape,
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

    def dequantize(self, x: str, *, name: str | None = None) -> str:
        """int8 to float32."""
        return self.node("dequantize", (x,), shape=self.tensor(x).shape, dtype=np.float32, name=name)

    def _weighted_sum(
        self,
        op: str,
        a: str,
        b: str,
        out_scale: float,
        out_zero_point: int,
        activation: Activation,
        parameters: SumParameters | None,
        name: str | None,
    ) -> str:
        scales = (float(self._activation_scale(a)), float(self._activation_scale(b)), out_scale)
        chosen = parameters or add_parameters(self.requant, *scales)
        attrs: dict[str, AttrValue] = {
            "requant": chosen.mode,
            "clamp": clamp_bounds(activation, out_scale, out_zero_point),
            "multiplier": chosen.multiplier,
            "shift": chosen.shift,
            "left_shift": chosen.left_shift,
        }
        shape = self._broadcast(op, a, b)
        return self.node(op, (a, b), attrs, shape=shape, scale=out_scale, zero_point=out_zero_point, name=name)

    def _broadcast(self, op: str, *names: str) -> tuple[int, ...]:
        shapes = [self.tensor(n).shape for n in names]
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            raise ShapeError(f"{op}: expected shapes that broadcast, got {shapes}") from None

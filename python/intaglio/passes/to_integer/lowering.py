"""The integer graph as it grows: tensors of the float graph as integers on their grids, or as floats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.builder.core import GraphAssembler, RequantName
from intaglio.graph import AttrValue, Graph, Node, Port, Tensor
from intaglio.grids import Grid, Grids, integers
from intaglio.opset import Rounding
from intaglio.quantization import Requantization, real_to_int8
from intaglio.rules.view import FLOAT32, NodeView

INT8 = np.dtype(np.int8)


@dataclass(frozen=True)
class Operand:
    """A tensor on its grid: its name in the integer graph, and the grid."""

    name: str
    grid: Grid

    @property
    def scale(self) -> np.float32:
        return self.grid.parameters[0]

    @property
    def zero_point(self) -> int:
        return self.grid.parameters[1]


class Lowering(GraphAssembler):
    """Every tensor of the source can be asked for as integers or as floats; what is not there yet is made then."""

    def __init__(self, source: Graph, grids: Grids, requant: RequantName) -> None:
        super().__init__(requant, source.metadata)
        self.source = source
        self.grids = grids
        self._taken = {*source.tensors, *(node.name for node in source.nodes)}
        self._integers: dict[str, str] = {}
        self._reals: dict[str, str] = {}
        self._float_ports = {p.tensor for p in (*source.inputs, *source.outputs) if p.dtype == FLOAT32}
        self._integer_outputs = {p.tensor for p in source.outputs if p.dtype != FLOAT32}
        for port in source.inputs:
            self._add_port(port)

    # Tensors of the source

    def grid(self, name: str) -> Grid | None:
        """The grid of a tensor, where it has a single one."""
        grid = self.grids.get(name)
        return grid if grid is not None and grid.per_tensor else None

    def operand(self, name: str) -> Operand:
        """The integers of a tensor that has a grid per tensor."""
        grid = self.grids[name]
        if name not in self._integers:
            source, (scale, zero_point) = self.source.tensors[name], grid.parameters
            is_free = name in self._integer_outputs and name not in self._tensors
            stored = name if is_free else self.unique(f"{name}/int8")
            if source.constant is not None:
                data = integers(source.constant, grid)
                self._integers[name] = self._constant(stored, data, scale, zero_point)
            else:
                self._integers[name] = self._quantized(self._reals[name], name, stored, self.unique(f"{name}/quantize"))
        return Operand(self._integers[name], grid)

    def real(self, name: str) -> str:
        """A tensor as the float graph has it, rounded if it has a grid; any element type."""
        source = self.source.tensors[name]
        if name in self._integers and source.constant is None:
            return self._dequantized(name)
        if name not in self._reals:
            assert source.constant is not None, name
            self._add_tensor(source)
            self._reals[name] = name
        elif name in self.grids and source.constant is None:
            self.operand(name)
            return self._dequantized(name)
        return self._reals[name]

    def want_output(self, port: Port) -> None:
        """Declare an output as the source has it; an input comes out as it went in."""
        if any(port.tensor == given.tensor for given in self.source.inputs):
            self.output(port.tensor, port.dtype)
            return
        if port.dtype != FLOAT32 and port.tensor in self.grids:
            self.output(self.operand(port.tensor).name, port.dtype)
        else:
            self.output(self.real(port.tensor), port.dtype)

    # Nodes

    def integer(
        self,
        node: Node,
        op: str,
        inputs: tuple[str, ...],
        attrs: dict[str, AttrValue] | None = None,
        *,
        output: str | None = None,
    ) -> None:
        """The node as an integer op, which makes its output on the output's own grid."""
        name = output or node.outputs[0]
        scale, zero_point = self.grids[name].parameters
        stored = self.unique(f"{name}/int8") if name in self._float_ports else name
        shape = self.source.tensors[name].shape
        self.node(
            op, inputs, attrs, shape=shape, scale=float(scale), zero_point=zero_point, name=node.name, output=stored
        )
        self._integers[name] = stored

    def helper(
        self, node: Node, part: str, op: str, inputs: tuple[str, ...], shape: tuple[int, ...], grid: Grid,
        attrs: dict[str, AttrValue] | None = None,
    ) -> Operand:  # fmt: skip
        """A node on the way to the output of ``node``."""
        scale, zero_point = grid.parameters
        name = self.unique(f"{node.name}/{part}")
        self.node(op, inputs, attrs, shape=shape, scale=float(scale), zero_point=zero_point, name=name)
        return Operand(name, grid)

    def part(self, node: Node, part: str, values: NDArray[Any]) -> str:
        """A constant of a node. The graph keeps the array itself, which nobody else may change."""
        return self._constant(self.unique(f"{node.name}/{part}"), values)

    def requantization(self, node: Node, parameters: Requantization) -> tuple[str, str]:
        """The inputs ``scale`` and ``shift`` of a node."""
        return self.part(node, "scale", parameters.scale), self.part(node, "shift", parameters.shift)

    def on_grid(self, node: Node, part: str, x: Operand, grid: Grid) -> Operand:
        """x on another grid."""
        if x.grid.agrees(grid):
            return x
        constant = self._tensors[x.name]
        table = rescaling_table(x.grid, grid)
        if constant.data is not None:
            data = table[constant.data.astype(np.int16) + 128]
            return Operand(self._constant(self.unique(f"{node.name}/{part}"), data, *grid.parameters), grid)
        inputs = (x.name, self.part(node, f"{part}/table", table))
        return self.helper(node, part, "lookup", inputs, constant.shape, grid)

    def keep(self, node: Node) -> None:
        """The node as it is; those of its outputs that have grids are rounded where they are needed."""
        inputs = tuple(self.real(name) for name in node.inputs)
        results = []
        for name in node.outputs:
            needs_other = name in self.grids and name in self._float_ports | self._integer_outputs
            made = self.unique(f"{name}/unrounded") if needs_other else name
            self._reals[name] = made
            results.append(replace(self.source.tensors[name], name=made))
        self._add_node(node.op, node.name, inputs, results, dict(node.attrs))

    def keep_result(self, node: Node, op: str, inputs: tuple[str, ...]) -> None:
        """The node as an integer op whose output has no grid."""
        self._add_node(op, node.name, inputs, [self.source.tensors[name] for name in node.outputs], dict(node.attrs))
        self._reals.update({name: name for name in node.outputs})

    def unique(self, stem: str) -> str:
        """A name that neither the source nor this graph has."""
        name = stem
        while name in self._taken or name in self._tensors or name in self._node_names:
            name = self._fresh(stem)
        return name

    def view(self, node: Node) -> NodeView:
        return NodeView.of(node, self.source.tensors)

    def _constant(self, name: str, values: NDArray[Any], scale: np.float32 | None = None, zero_point: int = 0) -> str:
        data = np.asarray(values, order="C")
        self._add_tensor(Tensor(name, data.shape, data.dtype, scale, zero_point, data))
        return name

    def _add_port(self, port: Port) -> None:
        source: Tensor = self.source.tensors[port.tensor]
        if port.dtype != FLOAT32 and port.tensor in self.grids:
            scale, zero_point = self.grids[port.tensor].parameters
            shift = 128 if port.dtype == np.uint8 else 0
            self.input(port.tensor, source.shape, float(scale), zero_point + shift, port.dtype)
            self._integers[port.tensor] = port.tensor
            return
        self._add_tensor(source)
        self._inputs.append(port)
        self._reals[port.tensor] = port.tensor

    def _quantized(self, made: str, name: str, stored: str, node: str) -> str:
        scale, zero_point = self.grids[name].parameters
        shape = self.source.tensors[name].shape
        grid = self.grids[name]
        full = (grid.low, grid.high) == (-128, 127)
        name = stored if full else self.unique(f"{stored}/full")
        self.node(
            "quantize", (made,), {"rounding": Rounding.HALF_EVEN}, shape=shape, scale=float(scale),
            zero_point=zero_point, name=node, output=name,
        )  # fmt: skip
        if full:
            return stored
        table = np.clip(np.arange(-128, 128), grid.low, grid.high).astype(np.int8)
        inputs = (name, self._constant(self.unique(f"{node}/table"), table))
        self.node(
            "lookup", inputs, shape=shape, scale=float(scale), zero_point=zero_point,
            name=self.unique(f"{node}/limits"), output=stored,
        )  # fmt: skip
        return stored

    def _dequantized(self, name: str) -> str:
        key = f"{name}\0rounded"
        if key not in self._reals:
            is_output = any(p.tensor == name and p.dtype == FLOAT32 for p in self.source.outputs)
            free = is_output and name not in self._tensors
            made = name if free else self.unique(f"{name}/float32")
            self.node(
                "dequantize", (self._integers[name],), shape=self.source.tensors[name].shape, dtype=FLOAT32,
                name=self.unique(f"{name}/dequantize"), output=made,
            )  # fmt: skip
            self._reals[key] = made
        return self._reals[key]


def rescaling_table(x: Grid, y: Grid) -> NDArray[np.int8]:
    """The numbers of one grid rounded to another."""
    return y.rounded(x.reals(np.arange(-128, 128)))


def clamp_of(grid: Grid, low: float = -np.inf, high: float = np.inf) -> tuple[int, int]:
    """The int8 interval of real bounds on a grid."""
    scale, zero_point = grid.parameters
    bounds = (real_to_int8(bound, float(scale), zero_point) for bound in (low, high))
    first, last = (min(max(bound, grid.low), grid.high) for bound in bounds)
    return first, last

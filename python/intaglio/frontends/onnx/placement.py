"""Names and grids of the tensors of a graph under construction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from intaglio.errors import ModelFormatError, UnsupportedOpError
from intaglio.frontends.onnx.model import Model, SourceNode
from intaglio.frontends.onnx.values import Value
from intaglio.graph import Node, Tensor
from intaglio.grids import Grid, Grids

#: Ops after which a grid is as well placed before: they move values one for one.
_MOVES: Final = ("reshape", "transpose")


class Placement:
    """Tensors are made under names of their own, and take those of the source once it is known what they stand for."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.grids: Grids = {}
        self.values: dict[str, Value] = {}
        #: The operator being lowered, and what its tensors are named after.
        self.node = SourceNode("", "", (), (), {})
        self.base = ""
        #: The position of the node that makes a tensor.
        self.origin: dict[str, int] = {}
        self._uses = Counter(name for node in model.nodes for name in node.inputs)
        self._uses.update(model.outputs)
        # Names of the source that a tensor stands for.
        self._names: dict[str, list[str]] = {}
        self._final_tensors: dict[str, str] = {}
        self._final_nodes: dict[str, str] = {}
        self._output_tensors: set[str] = set()
        self._taken = {name for node in model.nodes for name in (node.name, *node.outputs)}
        self._taken.update(model.constants, (entry.name for entry in model.inputs))
        self._counts: Counter[str] = Counter()

    def begin(self, node: SourceNode) -> None:
        """Starts with the next operator."""
        self.node = node
        self.base = node.name

    def bind(self, name: str, value: Value) -> None:
        """Lets a name of the source stand for a value."""
        if name in self.values:
            raise ModelFormatError(f"{self.node.op} (node {self.node.name!r}): {name!r} is computed twice")
        self.values[name] = replace(value, name=name)
        if value.constant is not None:
            return
        names = self._names.setdefault(value.tensor, [])
        names.append(name)
        if len(names) == 1 and value.tensor in self.origin:
            self._final_tensors[value.tensor] = name
            # Of several results, the first is what the operator is called after.
            self._final_nodes.setdefault(self.node.name, value.tensor)

    def add_tensor(self, tensor: Tensor) -> None:
        if math.prod(tensor.shape) >= 1 << 40 or any(not 0 <= size < 1 << 31 for size in tensor.shape):
            raise ModelFormatError(f"tensor {tensor.name!r} would have the shape {tensor.shape}")
        if len(tensor.shape) > 8:
            raise UnsupportedOpError(
                f"tensor {tensor.name!r} would have rank {len(tensor.shape)}; at most 8 is supported"
            )
        self.tensors[tensor.name] = tensor

    def fresh(self, name: str) -> str:
        """A name that nothing has."""
        while name in self._taken or name in self.tensors:
            stem = name.rsplit("#", 1)[0]
            self._counts[stem] += 1
            name = f"{stem}#{self._counts[stem]}"
        return name

    def named_output(self, tensor: str, name: str) -> str:
        """The tensor that leaves the graph under a name of the source: this one if nothing else claims it."""
        if tensor == name:
            return name
        if tensor not in self.origin or tensor in self._output_tensors:
            source = self.tensors[tensor]
            copy = self.fresh(f"{name}/copy")
            self.add_tensor(replace(source, name=copy, constant=None))
            self.nodes.append(Node("reshape", copy, (tensor,), (copy,)))
            self.origin[copy] = len(self.nodes) - 1
            self.inherit_grid(copy, [tensor])
            tensor = copy
        self._final_tensors = {t: n for t, n in self._final_tensors.items() if n != name}
        self._final_tensors[tensor] = name
        self._output_tensors.add(tensor)
        return tensor

    def final_names(self) -> tuple[dict[str, str], dict[str, str]]:
        """What tensors and nodes are called in the end, by the names under which they were made."""
        return self._final_tensors, {made: name for name, made in self._final_nodes.items()}

    # Grids

    def place_grid(self, tensor: str, grid: Grid, *, holds_integers: bool = False) -> bool:
        """Rounds a tensor where it is made, if nothing reads it unrounded; says whether that was so.

        A tensor that ``holds_integers`` for the source is never read unrounded.
        """
        if tensor in self.grids:
            return self.grids[tensor].agrees(grid)
        if not holds_integers and not self._is_private(tensor):
            return False
        self.grids[tensor] = grid
        if tensor in self.origin:
            node = self.nodes[self.origin[tensor]]
            if node.op in _MOVES:
                self.place_grid(node.inputs[0], grid, holds_integers=holds_integers)
        return True

    def hold_integers(self, tensor: str, zero_point: int) -> bool:
        """Makes bytes without a scale int8 of scale 1, back to the input they come from; says whether it could."""
        if tensor in self.grids:
            return False
        self.tensors[tensor] = replace(
            self.tensors[tensor], dtype=np.dtype(np.int8), scale=np.float32(1), zero_point=zero_point
        )
        if tensor not in self.origin:
            return True
        node = self.nodes[self.origin[tensor]]
        source = node.inputs[0]
        return node.op in _MOVES and (self.tensors[source].dtype == np.int8 or self.hold_integers(source, zero_point))

    def inherit_grid(self, tensor: str, inputs: Sequence[str]) -> None:
        """A tensor that holds values of others lies on their grid, if that is one."""
        grids = [self.grids.get(name) for name in inputs]
        first = grids[0]
        if first is not None and all(grid is not None and grid.agrees(first) for grid in grids):
            self.grids[tensor] = first

    def is_read(self, name: str) -> bool:
        """Whether anything in the source reads a name."""
        return self._uses[name] > 0

    def _is_private(self, tensor: str) -> bool:
        """Whether all that reads a tensor is what asks for it now."""
        names = self._names.get(tensor)
        if names is None:
            return sum(tensor in node.inputs for node in self.nodes) <= 1
        is_float_input = tensor not in self.origin and self.values[names[0]].dtype == np.float32
        return not is_float_input and all(self._uses[name] <= 1 for name in names)

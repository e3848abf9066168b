"""Running a graph for the values of its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import GraphError, InputError
from intaglio.graph import Graph, Port
from intaglio.model import load

#: Most bytes of tensors that a run may give.
_BUDGET: Final = 64 << 20


class Observer:
    """A graph that gives the named tensors as real numbers: those that are quantized, dequantized."""

    def __init__(self, graph: Graph, tensors: Sequence[str]) -> None:
        for name in tensors:
            if name not in graph.tensors or graph.tensors[name].constant is not None:
                raise GraphError(f"tensor '{name}': expected a tensor that the graph computes, got an unknown name")
        self._model = load(replace(graph, outputs=tuple(Port(name, graph.tensors[name].dtype) for name in tensors)))
        infos = (*self._model.inputs, *self._model.outputs)
        size = sum(math.prod(info.shape) for info in infos) * 4
        #: How many runs to give at a time. Those of a graph in which some first axis is not 1 cannot be joined.
        self.runs = max(1, _BUDGET // max(size, 1)) if all(info.shape[:1] == (1,) for info in infos) else 1

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The tensors of at most so many runs."""
        return self._model.run(inputs, raw=False)


def check_finite(values: NDArray[Any], tensor: str, batch: int) -> None:
    """Refuse what has no place on any grid."""
    if values.dtype.kind == "f" and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        worst = "NaN" if np.isnan(values).any() else "an infinity"
        raise InputError(f"tensor '{tensor}', batch {batch}: expected finite numbers, got {worst}")

"""Running a graph for the values of its tensors, a few samples at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.calibration.samples import Batch
from intaglio.errors import GraphError, InputError
from intaglio.graph import Graph, Port
from intaglio.model import load

#: Most bytes of tensors that a run may give.
_BUDGET: Final = 64 << 20


class Observer:
    """A graph that gives the named tensors as real numbers: those that are quantized, dequantized."""

    def __init__(self, graph: Graph, tensors: Sequence[str]) -> None:
        for name in tensors:
            if name not in graph.tensors or graph.tensors[name].data is not None:
                raise GraphError(f"tensor '{name}': expected a tensor that the graph computes, got an unknown name")
        self._leading = {port.tensor: graph.tensors[port.tensor].shape[:1] for port in graph.inputs}
        self._model = load(replace(graph, outputs=tuple(Port(name, graph.tensors[name].dtype) for name in tensors)))
        infos = (*self._model.inputs, *self._model.outputs)
        sizes = (math.prod(info.shape) * 4 for info in infos)
        self._runs = max(1, _BUDGET // max(sum(sizes), 1)) if all(info.shape[:1] == (1,) for info in infos) else 1

    def pieces(self, batch: Batch) -> Iterator[dict[str, NDArray[Any]]]:
        """The tensors of all samples, each once, in pieces of bounded size."""
        for start in range(0, batch.runs, self._runs):
            stop = min(start + self._runs, batch.runs)
            yield self.run({name: self._part(name, array, start, stop) for name, array in batch.arrays.items()})

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The tensors for inputs that are given whole."""
        return self._model.run(inputs, raw=False)

    def _part(self, name: str, array: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        leading = self._leading[name]
        return array[start * leading[0] : stop * leading[0]] if leading else array


def check_finite(values: NDArray[Any], tensor: str, batch: int) -> None:
    """Refuse what has no place on any grid."""
    if values.dtype.kind == "f" and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        worst = "NaN" if np.isnan(values).any() else "an infinity"
        raise InputError(f"tensor '{tensor}', batch {batch}: expected finite numbers, got {worst}")

"""Comparing a quantized network with the float one that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.calibration import Data, Histogram
from intaglio.calibration.observe import Observer, check_finite
from intaglio.calibration.progress import track
from intaglio.calibration.samples import batches, items_of
from intaglio.comparison.agreement import Agreement
from intaglio.comparison.costs import costs_of
from intaglio.comparison.pairing import Pair, as_given, cut_apart, pair_ports, pair_tensors
from intaglio.comparison.result import Comparison, Layer, Output
from intaglio.conversion import Source, convert
from intaglio.graph import Graph
from intaglio.model import Model, load
from intaglio.summary import macs

__all__ = ["Agreement", "Comparison", "Layer", "Output", "compare"]


def compare(
    float_model: Source,
    quantized: Source,
    data: Data,
    evaluate: Callable[[Model], float] | None = None,
    *,
    progress: bool = True,
) -> Comparison:
    """Both networks on the same data, tensor by tensor and end to end.

    ``data`` is what calibration takes: an iterable of arrays, tuples or dicts with inputs of the float network, read
    once. ``evaluate`` is called with either network, loaded, and gives a figure of your own, such as accuracy.
    """
    right, other = convert(float_model), convert(quantized)
    models = load(right), load(other)
    pairs = pair_tensors(right, other)
    inputs, outputs = (pair_ports(what, right, other) for what in ("input", "output"))
    layers = [_LayerErrors(pair) for pair in pairs]
    ends = [_OutputErrors(*names) for names in outputs.items()]
    isolated, given = cut_apart(other, pairs)
    stored = [pair.tensor.name for pair in pairs]
    float_run = Observer(right, list(dict.fromkeys([*(pair.right for pair in pairs), *outputs])))
    whole_run = Observer(other, list(dict.fromkeys([*stored, *outputs.values()])))
    layer_run = Observer(isolated, stored)
    runs = min(observer.runs for observer in (float_run, whole_run, layer_run))
    samples, first = 0, None
    for batch in batches(right, track(items_of(right, data), "comparing", progress)):
        samples += batch.runs
        for arrays in batch.pieces(runs):
            expected = float_run.run(arrays)
            own_arrays = {inputs[name]: array for name, array in arrays.items()}
            found = whole_run.run(own_arrays)
            alone = layer_run.run(
                own_arrays | {name: as_given(pair, expected[pair.right]) for name, pair in given.items()}
            )
            for layer in layers:
                check_finite(expected[layer.pair.right], layer.pair.right, batch.index)
                layer.add(expected, found, alone)
            for end in ends:
                end.add(expected, found)
        first = first or next(batch.pieces(1))
    assert first is not None
    return Comparison(
        layers=tuple(layer.result(other) for layer in layers),
        outputs=tuple(end.result() for end in ends),
        right=costs_of(right, models[0], first),
        quantized=costs_of(other, models[1], {inputs[name]: array for name, array in first.items()}),
        samples=samples,
        metric=None if evaluate is None else (float(evaluate(models[0])), float(evaluate(models[1]))),
    )


class _LayerErrors:
    """The errors of one pair of tensors, growing with the data."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._own, self._accumulated, self._histogram = Agreement(), Agreement(), Histogram()
        self._outside = 0

    def add(
        self,
        expected: Mapping[str, NDArray[Any]],
        found: Mapping[str, NDArray[Any]],
        alone: Mapping[str, NDArray[Any]],
    ) -> None:
        pair = self.pair
        values = as_given(pair, expected[pair.right])
        self._own.add(values, alone[pair.tensor.name])
        self._accumulated.add(values, found[pair.tensor.name])
        self._histogram.add(values)
        if pair.clip is not None and pair.tensor.scale is not None:
            low, high = pair.clip
            margin = float(pair.tensor.scale) / 2
            self._outside += int(np.count_nonzero((values < low - margin) | (values > high + margin)))

    def result(self, graph: Graph) -> Layer:
        node = self.pair.node
        return Layer(
            tensor=self.pair.tensor.name,
            node="" if node is None else node.name,
            op="input" if node is None else node.op,
            dtype=str(self.pair.tensor.dtype),
            macs=0 if node is None else macs(graph, node),
            own=self._own,
            accumulated=self._accumulated,
            saturated=self._outside / self._own.count,
            histogram=self._histogram,
            clip=self.pair.clip,
        )


class _OutputErrors:
    """The errors of one output, growing with the data."""

    def __init__(self, right: str, other: str) -> None:
        self._right, self._other = right, other
        self._agreement = Agreement()
        self._same = self._ranked = 0

    def add(self, expected: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]) -> None:
        right, other = expected[self._right], found[self._other]
        self._agreement.add(right, other)
        if right.dtype in (np.int32, np.int64):
            self._same += int(np.count_nonzero(right == other))
            self._ranked += right.size
        elif right.ndim == 2 and right.shape[1] > 1:
            self._same += int(np.count_nonzero(right.argmax(axis=1) == other.argmax(axis=1)))
            self._ranked += len(right)

    def result(self) -> Output:
        return Output(self._right, self._agreement, self._same / self._ranked if self._ranked else None)

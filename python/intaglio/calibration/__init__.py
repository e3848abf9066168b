"""Calibration: a float network runs on sample data, and the values of its tensors are gathered in constant memory."""

from __future__ import annotations

from collections.abc import Sequence

from intaglio.calibration.histogram import Histogram
from intaglio.calibration.observe import Observer, check_finite
from intaglio.calibration.progress import track
from intaglio.calibration.ranges import METHODS
from intaglio.calibration.samples import Data, batches, items_of
from intaglio.calibration.statistics import Statistics, TensorStatistics, check_method
from intaglio.graph import Graph

__all__ = ["METHODS", "Data", "Histogram", "Statistics", "calibrate"]


def calibrate(
    graph: Graph, data: Data, *, tensors: Sequence[str], method: str = "mse", progress: bool = True
) -> Statistics:
    """Statistics of the named tensors over all samples of the data.

    ``data`` is read once, as a stream: any iterable of arrays, tuples (the inputs in order; what follows, such as
    labels, is left alone) or dicts by input name, each holding one sample or a batch. ``method`` chooses the ranges:
    "min_max", "percentile", "mse" or "entropy".
    """
    check_method(method)
    items = items_of(graph, data)
    observer = Observer(graph, tensors)
    shapes = {name: graph.tensors[name].shape for name in tensors}
    found = {name: TensorStatistics(shape[-1] if shape else 1) for name, shape in shapes.items()}
    samples = 0
    for batch in batches(graph, track(items, "calibrating", progress)):
        samples += batch.runs
        for inputs in batch.pieces(observer.runs):
            values = observer.run(inputs)
            for name, statistics in found.items():
                check_finite(values[name], name, batch.index)
                statistics.add(values[name])
    return Statistics(found, method, samples)

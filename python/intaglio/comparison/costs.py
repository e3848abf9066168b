"""What a network costs: bytes, time, and where its multiplications are done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.graph import Graph, Node
from intaglio.model import Model
from intaglio.summary import macs

_SECONDS: Final = 0.2
_FEWEST_RUNS: Final = 5
_MOST_RUNS: Final = 1000


@dataclass(frozen=True)
class Costs:
    """Of one network. Latency is the median of single runs on this machine, here and now."""

    bytes: int
    latency_seconds: float
    macs: int
    macs_int8: int
    nodes: int
    nodes_float32: int


def costs_of(graph: Graph, model: Model, inputs: Mapping[str, NDArray[Any]]) -> Costs:
    """The costs of a graph and the model loaded from it."""
    by_node = [(macs(graph, node), is_int8(graph, node)) for node in graph.nodes]
    return Costs(
        bytes=len(graph.to_bytes()),
        latency_seconds=_latency(model, inputs),
        macs=sum(count for count, _ in by_node),
        macs_int8=sum(count for count, int8 in by_node if int8),
        nodes=len(by_node),
        nodes_float32=sum(not int8 for _, int8 in by_node),
    )


def is_int8(graph: Graph, node: Node) -> bool:
    """Whether a node computes with, or moves, int8 values."""
    return any(graph.tensors[name].dtype == np.int8 for name in (*node.inputs[:1], *node.outputs))


def _latency(model: Model, inputs: Mapping[str, NDArray[Any]]) -> float:
    model.run(inputs)
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < _FEWEST_RUNS or (len(times) < _MOST_RUNS and time.perf_counter() < end):
        start = time.perf_counter()
        model.run(inputs)
        times.append(time.perf_counter() - start)
    return float(np.median(times))

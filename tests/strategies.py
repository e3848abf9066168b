"""Random one-op graphs over the whole op set, and random full-range inputs for them.

`random_graph` and `random_inputs` draw from a NumPy generator, so a seed is a test case; `graphs` wraps them for
Hypothesis. Every choice an op leaves open is drawn: both requantization modes, zero points at both ends, clamps,
weight zero points, strides, dilation, groups, padding, broadcasting, constants as either operand, uint8 ports, empty
batches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from draw import Draw, full_range
from float_op_makers import floats
from hypothesis import strategies as st
from numpy.typing import NDArray
from op_makers import MAKERS

from intaglio.graph import Graph
from intaglio.opset import BY_NAME


def random_graph(op: str, rng: np.random.Generator, kind: type[Draw] = Draw) -> Graph:
    """A valid graph whose only node is ``op``."""
    draw = kind(rng)
    result = MAKERS[op](draw)
    quantized = draw.builder.tensor(result).scale is not None
    draw.builder.output(result, "uint8" if quantized and draw.chance(0.2) else None)
    graph = draw.builder.build()
    assert [node.op for node in graph.nodes] == [op]
    return graph


def random_inputs(graph: Graph, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Arrays for every input port: the full range of integers, floats with ties, infinities and huge values."""
    inputs = {}
    for port in graph.inputs:
        shape = graph.tensors[port.tensor].shape
        if port.dtype == np.float32:
            inputs[port.tensor] = _floats(graph, shape, rng)
        else:
            limits = np.iinfo(port.dtype)
            inputs[port.tensor] = full_range(rng, shape, int(limits.min), int(limits.max), port.dtype)
    return inputs


@st.composite
def graphs(draw: st.DrawFn, op: str | None = None) -> tuple[Graph, dict[str, NDArray[Any]]]:
    """A random graph of ``op``, or of any op, with inputs."""
    name = op or draw(st.sampled_from(sorted(BY_NAME)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    graph = random_graph(name, rng)
    return graph, random_inputs(graph, rng)


def _floats(graph: Graph, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    scale = next((t.scale for t in graph.output_tensors if t.scale is not None), None)
    if scale is None:
        return floats(rng, shape, 0.03 if rng.random() < 0.5 else 0.0)
    values = (rng.integers(-600, 600, shape) / 2 * float(scale)).astype(np.float32)
    wild = rng.choice(np.array([np.inf, -np.inf, 3e38, -3e38, 1e-40, -0.0], np.float32), shape)
    return np.where(rng.random(shape) < 0.1, wild, values)

"""Files of cases for run_cases.cpp: networks with inputs and the oracle's outputs.

A file is 64-bit little-endian counts and bytes: the number of cases, then for each case the bytes of its `.intaglio`
file, its inputs and its expected outputs; an array of bytes follows its size, a list of arrays their number.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import intaglio
from intaglio import demo, reference
from intaglio.builder import Builder
from intaglio.graph import Graph
from intaglio.opset import BY_NAME

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from draw import LargeDraw
from int8_networks import NETWORKS
from strategies import random_graph, random_inputs

Case = tuple[Graph, dict[str, NDArray[Any]]]


def write_demo(folder: Path) -> Path:
    """The network in the package, with pictures of its test split."""
    graph = Graph.from_bytes(demo.model_bytes())
    images = demo.network.load().images[:10]
    return _write(folder / "demo", ((graph, {"image": image[None]}) for image in images))


def write_networks(folder: Path, models: Path) -> Iterator[Path]:
    """Each network in both requantization modes, with one random input."""
    for name in NETWORKS:
        for requant in ("float32", "fixed"):
            graph = intaglio.convert(models / f"{name}.tflite", requant=requant)
            case = graph, random_inputs(graph, np.random.default_rng(5))
            yield _write(folder / f"{name}-{requant}", [case])


def write_random_ops(folder: Path, per_op: int) -> Path:
    """Every op of the op set, with random attributes and full-range inputs."""

    def cases() -> Iterator[Case]:
        for number, op in enumerate(sorted(BY_NAME)):
            for seed in range(per_op):
                rng = np.random.default_rng([number, seed])
                graph = random_graph(op, rng)
                yield graph, random_inputs(graph, rng)

    return _write(folder / f"random-ops-{per_op}", cases())


def write_large_sums(folder: Path, per_op: int) -> Path:
    """Sums of products of many rows and columns, which some kernels leave the others to."""

    def cases() -> Iterator[Case]:
        for number, op in enumerate(("conv2d", "transposed_conv2d", "fully_connected", "batch_matmul")):
            for seed in range(per_op):
                rng = np.random.default_rng([1, number, seed])
                graph = random_graph(op, rng, LargeDraw)
                yield graph, random_inputs(graph, rng)

    return _write(folder / f"large-sums-{per_op}", cases())


def write_windows(folder: Path) -> Path:
    """3x3 windows of many channels, which some kernels take in tiles."""

    def cases() -> Iterator[Case]:
        for requant in ("float32", "fixed"):
            rng = np.random.default_rng(2)
            builder = Builder(requant=requant)
            weights = rng.integers(-50, 51, (128, 3, 3, 64)).astype(np.int8)
            x = builder.input("x", (1, 23, 27, 64), 1.0, 9)
            builder.output(builder.conv2d(x, weights, 0.01, np.arange(128), 500.0, 3, padding="same"))
            graph = builder.build()
            yield graph, random_inputs(graph, rng)

    return _write(folder / "windows", cases())


def _write(path: Path, cases: Iterable[Case]) -> Path:
    written = [_case(graph, inputs) for graph, inputs in cases]
    path.write_bytes(struct.pack("<Q", len(written)) + b"".join(written))
    return path


def _case(graph: Graph, inputs: dict[str, NDArray[Any]]) -> bytes:
    expected = reference.run(graph, inputs)
    outputs = [_with_equal_nans(expected[port.tensor]) for port in graph.outputs]
    arrays = [inputs[port.tensor] for port in graph.inputs]
    return _bytes(graph.to_bytes()) + _list(arrays) + _list(outputs)


def _with_equal_nans(array: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.isnan(array), np.float32(np.nan), array) if array.dtype == np.float32 else array


def _bytes(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def _list(arrays: list[NDArray[Any]]) -> bytes:
    return struct.pack("<Q", len(arrays)) + b"".join(_bytes(np.ascontiguousarray(a).tobytes()) for a in arrays)

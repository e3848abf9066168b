"""A run allocates nothing, on any network; with an allocator and memory of the caller's, nothing does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from programs import Program, Toolbox
from strategies import random_graph, random_inputs

import intaglio
from intaglio import _core, demo

if not sys.platform.startswith("linux"):
    pytest.skip("stands in front of glibc's heap", allow_module_level=True)

NETWORKS = ["mlperf_ad_int8", "mlperf_kws_int8", "mlperf_resnet8_int8", "mlperf_sww_int8", "mlperf_vww_int8"]


@pytest.fixture
def counter(release: Toolbox, root: Path) -> Program:
    """The program that counts; without builtins, lest the compiler leave a call out."""
    return release.compile(root / "tests" / "capi" / "heap.c", options=["-fno-builtin"])


class Case:
    """A network, its inputs and what it answers, as files."""

    def __init__(self, folder: Path, name: str, graph: intaglio.Graph, inputs: Mapping[str, NDArray[Any]]) -> None:
        self.files = [folder / f"{name}.{end}" for end in ("intaglio", "in", "out")]
        self.expected = b"".join(a.tobytes() for a in intaglio.load(graph).run(inputs, raw=True).values())
        graph.save(self.files[0])
        self.files[1].write_bytes(b"".join(inputs[port.tensor].tobytes() for port in graph.inputs))

    def check(self) -> None:
        assert self.files[2].read_bytes() == self.expected, self.files[0].name


def full_range(graph: intaglio.Graph) -> dict[str, NDArray[Any]]:
    """Random inputs."""
    rng = np.random.default_rng(5)
    ports = {port.tensor: (graph.tensors[port.tensor].shape, np.iinfo(port.dtype)) for port in graph.inputs}
    return {
        name: rng.integers(limits.min, limits.max, shape, limits.dtype, endpoint=True)
        for name, (shape, limits) in ports.items()
    }


def run_all(counter: Program, cases: list[Case], threads: int) -> None:
    counter.run(threads, *(file for case in cases for file in case.files))
    for case in cases:
        case.check()


@pytest.mark.parametrize("threads", [1, 2])
def test_every_op(counter: Program, tmp_path: Path, threads: int) -> None:
    cases = []
    for op in sorted(_core.ops()):
        rng = np.random.default_rng(sum(op.encode()))
        graph = random_graph(op, rng)
        cases.append(Case(tmp_path, op, graph, random_inputs(graph, rng)))
    run_all(counter, cases, threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_networks(counter: Program, tmp_path: Path, data: Path, threads: int) -> None:
    graphs = {name: intaglio.convert(data / "models" / f"{name}.tflite") for name in NETWORKS}
    graphs["mobilenet_v2"] = intaglio.convert(data / "models" / "tf2_mobilenet_v2_1.0_224_ptq.tflite", requant="fixed")
    graphs["digits"] = intaglio.Graph.from_bytes(demo.model_bytes())
    run_all(counter, [Case(tmp_path, name, graph, full_range(graph)) for name, graph in graphs.items()], threads)

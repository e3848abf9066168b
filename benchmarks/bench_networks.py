"""Each int8 network, by Intaglio and by LiteRT, one thread each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import data
import intaglio

networks = pytest.mark.parametrize("name", data.NETWORKS)


@pytest.fixture
def models() -> Path:
    folder = data.models()
    if folder is None:
        pytest.skip("no model data: set INTAGLIO_DATA to a folder with models/")
    return folder


@networks
def bench_intaglio(benchmark: Any, models: Path, name: str) -> None:
    benchmark.group = name
    model = intaglio.load(models / data.NETWORKS[name], threads=1)
    benchmark(model, *(data.random_array(port.shape, port.dtype) for port in model.inputs))


@networks
def bench_litert(benchmark: Any, models: Path, name: str) -> None:
    pytest.importorskip("ai_edge_litert")
    from litert import LiteRT

    benchmark.group = name
    peer = LiteRT(models / data.NETWORKS[name])
    benchmark(peer, *(data.random_array(tuple(port["shape"]), port["dtype"]) for port in peer.inputs))

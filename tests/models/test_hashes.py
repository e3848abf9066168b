"""The same bits everywhere: one hash of a network's answers over every tier, thread count and batch split."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from int8_networks import NETWORKS

import intaglio
from intaglio import cpu, reference

_ORACLE_SAMPLES = 2


def sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("requant", ["float32", "fixed"])
@pytest.mark.parametrize("name", NETWORKS)
def test_one_hash(data: Path, name: str, requant: str) -> None:
    graph = intaglio.convert(data / "models" / f"{name}.tflite", requant=requant)
    (port,) = graph.inputs
    limits = np.iinfo(port.dtype)
    shape = (7, *graph.tensors[port.tensor].shape[1:])
    x = np.random.default_rng(11).integers(limits.min, limits.max, shape, port.dtype, endpoint=True)
    file = graph.to_bytes()
    hashes = {}
    for tier in cpu.tiers():
        for threads in (1, 2):
            model = intaglio.load(file, isa=tier, threads=threads)
            hashes[tier, threads, 7] = sha256(model(x))
            hashes[tier, threads, 1] = sha256(*(model(x[i : i + 1]) for i in range(len(x))))
    assert len(set(hashes.values())) == 1, hashes
    answers = intaglio.load(file)(x)
    for i in range(_ORACLE_SAMPLES):
        expected = reference.run(graph, {port.tensor: x[i : i + 1]})
        np.testing.assert_array_equal(answers[i : i + 1], next(iter(expected.values())), strict=True)

"""Loading: from where, onto which tier and threads, and what a model says about itself."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest

import intaglio
from intaglio import cpu
from intaglio.errors import IsaError, ModelFormatError


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.intaglio"
    networks.small().save(path)
    return path


def test_every_kind_of_source(path: Path) -> None:
    x = networks.samples(2)
    expected = networks.oracle(networks.small(), x)
    data = path.read_bytes()
    with path.open("rb") as file:
        sources: list[Any] = [path, str(path), os.fspath(path), file, data, bytearray(data), memoryview(data)]
        sources += [memoryview(b"1" + data)[1:], io.BytesIO(data), networks.small()]
        for source in sources:
            np.testing.assert_array_equal(intaglio.load(source)(x), expected)


def test_isa_is_a_name() -> None:
    with pytest.raises(TypeError, match="isa: expected the name of a tier or None, got 3"):
        intaglio.load(networks.small(), isa=3)  # type: ignore[arg-type]


def test_what_is_no_source() -> None:
    with pytest.raises(TypeError, match="expected a binary file, but reading it gave str"):
        intaglio.load(io.StringIO("net.intaglio"))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        intaglio.load(7)  # type: ignore[arg-type]


def test_unknown_requantization(path: Path) -> None:
    with pytest.raises(ValueError, match="requant: expected 'float32' or 'fixed', got 'int8'"):
        intaglio.load(path, requant="int8")


def test_the_source_may_go(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.intaglio"
    copy.write_bytes(path.read_bytes())
    data = bytearray(path.read_bytes())
    from_file, from_bytes = intaglio.load(copy), intaglio.load(data)
    copy.unlink()
    data[:] = bytes(len(data))
    x = networks.samples(2)
    np.testing.assert_array_equal(from_file(x), from_bytes(x))
    np.testing.assert_array_equal(from_file(x), networks.oracle(networks.small(), x))


def test_bad_sources(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        intaglio.load(tmp_path / "none.intaglio")
    for data in (b"", b"INTAGLIO", path.read_bytes()[:-64], b"INTAGLIO" + bytes(184)):
        broken = tmp_path / "broken.intaglio"
        broken.write_bytes(data)
        for source in (broken, data):
            with pytest.raises(ModelFormatError):
                intaglio.load(source)


def test_describes_its_ports() -> None:
    model = intaglio.load(networks.small())
    (x,), (y,) = model.inputs, model.outputs
    assert x == intaglio.TensorInfo("x", (1, 8, 8, 4), np.dtype(np.int8), float(np.float32(0.05)), 3)
    assert y == intaglio.TensorInfo("y", (1, 5), np.dtype(np.int8), float(np.float32(0.1)), 7)
    assert "x int8[1, 8, 8, 4] -> y int8[1, 5]" in repr(model)


def test_describes_its_plan(isa: str) -> None:
    graph = networks.small()
    model = intaglio.load(graph, isa=isa, threads=1)
    plan = model.plan()
    assert sum(step.macs for step in plan) == 8 * 8 * 8 * 9 * 4 + 5 * 8
    assert [node for node in dict.fromkeys(step.node for step in plan)] == [
        node.name for node in graph.nodes if node.op != "reshape"
    ]
    assert {step.threads for step in plan} == {1}
    assert all(step.kernel for step in plan)
    assert sum(step.bytes for step in plan) > 0
    assert model.arena_bytes >= 8 * 8 * 4 + 8 * 8 * 8
    assert model.weight_bytes >= 8 * 9 * 4
    times = model.profile(networks.samples(1), repeats=3)
    assert len(times) == len(plan)
    assert all(time >= 0 for time in times)


def test_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTAGLIO_ISA", raising=False)
    graph = networks.small()
    assert cpu.tiers()[0] == "scalar"
    assert intaglio.load(graph).isa == cpu.tiers()[-1]
    monkeypatch.setenv("INTAGLIO_ISA", "scalar")
    assert intaglio.load(graph).isa == "scalar"
    assert intaglio.load(graph, isa=cpu.tiers()[-1]).isa == cpu.tiers()[-1]
    has = ", ".join(cpu.tiers())
    with pytest.raises(IsaError, match=f"unknown instruction-set tier 'sse9': this CPU has {has}"):
        intaglio.load(graph, isa="sse9")
    monkeypatch.setenv("INTAGLIO_ISA", "avx10")
    with pytest.raises(IsaError, match="avx10"):
        intaglio.load(graph)


def test_a_tier_that_the_cpu_lacks() -> None:
    lacking = [tier for tier in ("avx2", "avxvnni", "avx512vnni", "amx") if tier not in cpu.tiers()]
    if not lacking:
        pytest.skip("this CPU has every tier")
    for tier in lacking:
        with pytest.raises(IsaError, match=f"unavailable instruction-set tier '{tier}': this CPU has scalar"):
            intaglio.load(networks.small(), isa=tier)


def test_threads() -> None:
    graph = networks.small()
    assert intaglio.load(graph).threads == cpu.cores()
    assert intaglio.load(graph, threads=3).threads == 3
    for wrong, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError), (True, TypeError)):
        with pytest.raises(error, match="threads"):
            intaglio.load(graph, threads=wrong)  # type: ignore[arg-type]


def test_cpu() -> None:
    assert set(cpu.features()) <= {
        "avx2", "bmi2", "fma", "avx_vnni", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni", "amx_tile",
        "amx_int8", "asimd", "asimddp", "i8mm"
    }  # fmt: skip
    assert cpu.cores() >= 1
    assert isinstance(cpu.name(), str)


def test_an_engine_without_a_model_is_refused() -> None:
    empty = intaglio.Model.__new__(intaglio.Model)
    with pytest.raises(TypeError):
        empty(networks.samples(1))

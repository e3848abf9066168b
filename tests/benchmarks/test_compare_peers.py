"""The program that compares engines, with one small network, on the engines that are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime, which quantizes the network")

import intaglio
from peers.engines import ENGINES, Setup
from peers.measure import LARGEST_DIFFERENCE, Conditions, measure, relative_difference, summary
from peers.networks import prepare
from peers.processes import WorkerError
from peers.tables import disagreements, scaling
from peers.worker import Worker

PLOTS = importlib.util.find_spec("matplotlib") is not None


def compare(root: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, root / "benchmarks" / "compare_peers.py"]
    fixed = ["--quick", "--folder", folder, "--json", folder / "figures.json"]
    environment = {name: value for name, value in os.environ.items() if name != "INTAGLIO_ISA"}
    return subprocess.run(
        [*program, *fixed, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=300
    )


def figures(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "figures.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def measured(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder with the figures of an MLP, and what was printed."""
    folder = tmp_path_factory.mktemp("peers")
    plot = ["--plot", str(folder / "figures.svg")] if PLOTS else []
    finished = compare(root, folder, "--networks", "MLP", *plot)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder, finished.stdout


def test_engines_agree_and_are_compared(measured: tuple[Path, str]) -> None:
    folder, printed = measured
    (result,) = figures(folder)["results"]
    assert (result["network"], result["threads"], result["batch"], result["isa"]) == ("MLP", 1, 1, None)
    assert result["macs"] == 784 * 128 + 128 * 64 + 64 * 10
    engines = result["engines"]
    assert {"Intaglio", "ONNX Runtime", "ONNX Runtime float32"} <= set(engines)
    for name, engine in engines.items():
        assert "failed" not in engine, f"{name}: {engine}"
        assert engine["agrees"]
        assert 0 < engine["seconds_low"] <= engine["seconds"] <= engine["seconds_high"]
        assert engine["ratio_low"] <= engine["ratio"] <= engine["ratio_high"]
        assert engine["peak_resident_bytes"] > 1 << 20
    assert engines["Intaglio"]["ratio"] == 1
    assert engines["Intaglio"]["difference"] == engines["ONNX Runtime"]["difference"] == 0
    assert engines["ONNX Runtime float32"]["difference"] > 0
    assert engines["Intaglio"]["arena_bytes"] > 0
    assert result["gmacs"] == pytest.approx(result["macs"] / engines["Intaglio"]["seconds"] / 1e9)
    assert result["share_of_peak"] == pytest.approx(result["gmacs"] / result["peak_gmacs"])
    int8 = {name: engine["seconds"] for name, engine in engines.items() if name in ("ONNX Runtime", "OpenVINO")}
    assert result["best_peer"] == min(int8, key=lambda name: int8[name]) == result["best_peer_same_file"]
    assert "Time, 1 thread, batch 1" in printed
    assert "Peak resident memory" in printed


def test_resuming_measures_only_what_is_missing(root: Path, measured: tuple[Path, str]) -> None:
    folder, _ = measured
    before = figures(folder)["results"]
    again = compare(root, folder, "--networks", "MLP", "--resume")
    assert again.returncode == 0, again.stdout + again.stderr
    assert figures(folder)["results"] == before

    tier = "avx2" if "avx2" in intaglio.cpu.tiers() else None
    other = ["--batch", "8", "--engines", "OpenVINO", *(["--isa", tier] if tier else [])]
    more = compare(root, folder, "--networks", "MLP", "--resume", *other)
    assert more.returncode == 0, more.stdout + more.stderr
    *kept, added = figures(folder)["results"]
    assert kept == before
    assert (added["batch"], added["isa"], added["macs"]) == (8, tier, 8 * before[0]["macs"])
    assert all(engine["agrees"] for engine in added["engines"].values())


@pytest.mark.skipif(not PLOTS, reason="needs the package matplotlib")
def test_the_picture_names_engines_and_networks(measured: tuple[Path, str]) -> None:
    drawing = (measured[0] / "figures.svg").read_text(encoding="utf-8")
    for words in ("Intaglio", "ONNX Runtime", "best float32", "MLP", "1 thread"):
        assert f">{words}<" in drawing, words


def test_networks_of_an_absent_data_folder_are_left_out(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTAGLIO_DATA", str(tmp_path / "nowhere"))
    finished = compare(root, tmp_path, "--networks", "keyword spotting")
    assert finished.returncode == 0, finished.stderr
    assert "keyword spotting left out: no data folder" in finished.stdout
    assert not (tmp_path / "figures.json").exists()


def test_an_engine_that_computes_something_else_is_told() -> None:
    rng = np.random.default_rng(0)
    ours, other = rng.standard_normal((2, 1, 1000))
    assert relative_difference(ours, ours) == 0
    assert relative_difference(ours + 0.01, ours) < LARGEST_DIFFERENCE
    assert relative_difference(other, ours) > LARGEST_DIFFERENCE
    engine = {"agrees": False, "difference": 1.4}
    result = {"network": "MLP", "threads": 1, "batch": 1, "isa": None, "engines": {"LiteRT": engine}}
    assert disagreements([result]) == [
        "LiteRT disagrees on MLP, 1 thread, batch 1: relative difference 1.40, expected at most 0.25"
    ]


def test_ratios_are_of_the_same_round() -> None:
    # The machine is half as fast in the second round, for both.
    figures = summary([3.0, 6.0, 3.3], [1.0, 2.0, 1.0])
    assert figures["ratio"] == pytest.approx(3.0)
    assert (figures["ratio_low"], figures["ratio_high"]) == (pytest.approx(3.0), pytest.approx(3.3))
    assert figures["seconds"] == 3.3


def test_an_engine_that_fails_says_why_and_the_others_are_measured(root: Path, tmp_path: Path) -> None:
    network = prepare("MLP", tmp_path)
    assert network is not None
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    files = {"Intaglio": network.intaglio, "ONNX Runtime": broken}
    result = measure(network, files, Conditions(batch=8), rounds=1, seconds=0.001)
    assert "broken.onnx" in result["engines"]["ONNX Runtime"]["failed"]
    assert result["best_peer"] is None
    assert result["engines"]["Intaglio"]["seconds"] > 0
    with pytest.raises(WorkerError, match=r"^Intaglio on MLP: .*no netwo"):
        measure(network, {"Intaglio": broken}, Conditions(batch=8), rounds=1, seconds=0.001)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_threads_are_compared_with_one_and_with_what_the_cores_gave(tmp_path: Path) -> None:
    network = prepare("MLP", tmp_path)
    assert network is not None
    files = {"Intaglio": network.intaglio, "ONNX Runtime": network.onnx}
    one = measure(network, files, Conditions(), rounds=1, seconds=0.001)
    assert one["cores"] is None
    two = measure(network, files, Conditions(threads=2), rounds=3, seconds=0.001)
    for figures in (*(two["engines"][name]["over_one_thread"] for name in files), two["cores"]["dots_over_one"]):
        assert 0 < figures["low"] <= figures["median"] <= figures["high"]
    assert two["cores"]["round_trip_nanoseconds"]["median"] > 1
    assert 0 <= two["cores"]["free_rounds"] <= 3
    assert (two["cores"]["over_one_thread_when_free"] is None) == (two["cores"]["free_rounds"] == 0)
    header, (row,) = scaling([two])
    told = dict(zip(header, row, strict=False))
    assert told["network"] == "MLP"
    assert told["ONNX Runtime"] == f"{two['engines']['ONNX Runtime']['over_one_thread']['median']:.2f}"
    assert told["LiteRT"] == ""
    assert row[-1].endswith(" ns")


def test_an_engine_without_batches_gets_samples_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Doubling:
        def __init__(self, setup: Setup) -> None:
            if len(setup.x) > 1:
                raise ValueError("one sample only")
            self.calls = {"sleep": lambda: time.sleep(0.002)}

        def answer(self, x: np.ndarray) -> np.ndarray:
            assert len(x) == 1
            return 2 * x

    monkeypatch.setitem(ENGINES, "Doubling", Doubling)
    x = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "x.npy", x)
    worker = Worker("Doubling", "", str(tmp_path / "x.npy"), threads=1, isa=None)
    assert worker.fastest(0.001) == {"call": "sleep", "one_by_one": True}
    assert worker.block(0.001) >= 4 * 0.002
    worker.answer(str(tmp_path / "y.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), 2 * x)

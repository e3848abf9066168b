"""`intaglio quantize` and `intaglio compare`: data from files, what is written, and one clear line for every error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_networks import SHAPE, pair, pictures, residual
from test_cli import fail, succeed, succeed_json

import intaglio
from intaglio import Builder, cli


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A float network with channels last."""
    path = tmp_path / "float.intaglio"
    residual().save(path)
    return path


@pytest.fixture
def array(tmp_path: Path) -> Path:
    """Samples for it."""
    path = tmp_path / "samples.npy"
    np.save(path, pictures(12))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of folders of pictures, and a file that is none."""
    image = pytest.importorskip("PIL.Image")
    for i in range(4):
        path = tmp_path / "pictures" / f"class{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(random_pixels(i)).save(path)
    (tmp_path / "pictures" / "labels.txt").write_text("0 1")
    return tmp_path / "pictures"


def random_pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)


def test_quantize_writes_a_network_that_agrees(
    net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "int8.intaglio"
    printed = succeed(capsys, "quantize", net, "--calibration", array, "--output", output)
    assert f"{output}: " in printed
    described = succeed_json(capsys, "quantize", net, "--calibration", array, "-o", output, "--method", "min_max")
    assert described["output_bytes"] == output.stat().st_size < net.stat().st_size
    compared = succeed_json(capsys, "compare", net, output, "--data", array)
    assert compared["samples"] == 12
    assert compared["outputs"][0]["cosine"] > 0.99
    assert compared["quantized"]["macs_int8"] == compared["quantized"]["macs"] > 0


def test_quantize_passes_options_on(net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def recipe(*arguments: object) -> Any:
        succeed(capsys, "quantize", net, "-o", tmp_path / "q.intaglio", *arguments)
        return intaglio.Graph.load(tmp_path / "q.intaglio").metadata["quantization"]

    given = recipe("--calibration", array, "--method", "entropy", "--per-tensor", "--recover", "bias")
    assert (given["calibration_method"], given["per_channel"], given["recover"]) == ("entropy", False, ["bias"])
    kept = recipe("--calibration", array, "--keep-float", "re:sec.*", "--recover", "--activations", "int8_symmetric")
    assert (kept["keep_float"], kept["recover"], kept["activations"]) == (["re:sec.*"], [], "int8_symmetric")
    assert recipe("--scheme", "dynamic")["scheme"] == "dynamic"


def test_statistics_are_kept_and_reused(
    net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "statistics.json"
    arguments = ("quantize", net, "--statistics", kept, "--method", "percentile", "-o")
    succeed(capsys, *arguments, tmp_path / "a.intaglio", "--calibration", array)
    succeed(capsys, *arguments, tmp_path / "b.intaglio")
    assert (tmp_path / "a.intaglio").read_bytes() == (tmp_path / "b.intaglio").read_bytes()
    residual(seed=1).save(net)
    assert "statistics of this network" in fail(capsys, *arguments, tmp_path / "c.intaglio")
    kept.write_text("{}")
    assert "not calibration statistics" in fail(capsys, *arguments, tmp_path / "c.intaglio")


def test_compare_shows_the_worst_layers_and_writes_a_page(
    net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quantized = tmp_path / "q.intaglio"
    succeed(capsys, "quantize", net, "--calibration", array, "-o", quantized)
    page = tmp_path / "report.html"
    printed = succeed(capsys, "compare", net, quantized, "--data", array, "--samples", 5, "--worst", 2, "--html", page)
    assert "5 samples" in printed
    assert len(printed[printed.index("own SQNR") :].splitlines()) == 4
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_pictures_are_normalized(net: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    pixels = np.stack([random_pixels(i) for i in (0, 2, 1, 3)])
    np.save(tmp_path / "same.npy", ((pixels * (1 / 255) - mean) / std).astype(np.float32))
    normalized = ("--mean", *mean, "--std", *std)
    assert_same_files(capsys, net, (folder, *normalized), (tmp_path / "same.npy",), tmp_path)
    np.save(tmp_path / "bytes.npy", ((pixels.astype(np.float32) - 127) / 128)[:3])
    options = ("--white", 255, "--mean", 127, "--std", 128, "--samples", 3)
    assert_same_files(capsys, net, (folder, *options), (tmp_path / "bytes.npy",), tmp_path)


def assert_same_files(
    capsys: pytest.CaptureFixture[str], net: Path, first: tuple[object, ...], second: tuple[object, ...], folder: Path
) -> None:
    """Both sets of calibration arguments give the same network."""
    files = []
    for arguments in (first, second):
        succeed(capsys, "quantize", net, "-o", folder / "q.intaglio", "--calibration", *arguments)
        files.append((folder / "q.intaglio").read_bytes())
    assert files[0] == files[1]


def channels_first(shape: tuple[int, ...]) -> intaglio.Graph:
    builder = Builder()
    x = builder.input("x", shape, dtype="float32")
    last = builder.transpose(x, (0, 2, 3, 1))
    weights = np.random.default_rng(0).standard_normal((4, 1, 1, shape[1])).astype(np.float32)
    builder.output(builder.float_conv2d(last, weights))
    return builder.build()


def test_layout_is_seen_or_said(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, either = tmp_path / "first.intaglio", tmp_path / "either.intaglio"
    channels_first((1, 3, 6, 6)).save(first)
    channels_first((1, 3, 6, 3)).save(either)
    pixels = np.stack([random_pixels(i) for i in (0, 2, 1, 3)])
    np.save(tmp_path / "same.npy", (pixels * (1 / 255)).astype(np.float32).transpose(0, 3, 1, 2))
    assert_same_files(capsys, first, (folder,), (tmp_path / "same.npy",), tmp_path)
    arguments = ("quantize", either, "-o", tmp_path / "q.intaglio", "--calibration", folder)
    assert "--layout nhwc or nchw" in fail(capsys, *arguments)
    succeed(capsys, *arguments, "--layout", "nchw")
    assert "channels last" in fail(
        capsys, "quantize", first, "--calibration", folder, "-o", arguments[3], "--layout", "nhwc"
    )


def test_arrays_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = tmp_path / "pair.intaglio"
    pair().save(net)
    values = np.random.default_rng(0).standard_normal((2, 9, 3)).astype(np.float32)
    np.savez(tmp_path / "named.npz", a=values[0], b=values[1], labels=np.arange(9))
    np.savez(tmp_path / "wrong.npz", a=values[0], c=values[1])
    arguments = ("quantize", net, "-o", tmp_path / "q.intaglio", "--calibration")
    succeed(capsys, *arguments, tmp_path / "named.npz", "--samples", 8)
    assert "expected arrays named a, b, got a, c" in fail(capsys, *arguments, tmp_path / "wrong.npz")
    np.save(tmp_path / "one.npy", values[0])
    assert "array for each input: a, b" in fail(capsys, *arguments, tmp_path / "one.npy")
    assert "one input" in fail(capsys, *arguments, tmp_path)


def test_errors_are_one_line(
    net: Path, array: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "q.intaglio"
    arguments = ("quantize", net, "-o", output)
    assert "--calibration" in fail(capsys, *arguments)
    assert "is the source itself" in fail(capsys, "quantize", net, "--calibration", array)
    (tmp_path / "empty").mkdir()
    assert "expected pictures" in fail(capsys, *arguments, "--calibration", tmp_path / "empty")
    assert "absent" in fail(capsys, *arguments, "--calibration", tmp_path / "absent.npy")
    assert "labels.txt" in fail(capsys, *arguments, "--calibration", folder / "labels.txt")
    assert "--mean: expected 1 number or 3" in fail(capsys, *arguments, "--calibration", folder, "--mean", 1, 2)
    assert "--std: expected numbers above 0" in fail(capsys, *arguments, "--calibration", folder, "--std", 0)
    (folder / "torn.png").write_bytes(b"\x89PNG")
    assert "torn.png" in fail(capsys, *arguments, "--calibration", folder)
    np.save(tmp_path / "nan.npy", np.full((1, *SHAPE), np.nan, np.float32))
    assert "batch 0, input 'x'" in fail(capsys, *arguments, "--calibration", tmp_path / "nan.npy")
    assert not output.exists()


def test_progress_goes_to_stderr_of_a_terminal(
    net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    arguments = ["quantize", str(net), "--calibration", str(array), "-o", str(tmp_path / "q.intaglio"), "--json"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["nodes"] > 0
    assert "calibrating" in printed.err
    assert cli.main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""

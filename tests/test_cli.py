"""The command line: what each command prints, its JSON, and one clear line for every error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import intaglio
from intaglio import cli, cpu, demo
from intaglio.cli import COMMANDS, text
from intaglio.cli.demo import ink_for
from intaglio.demo import network


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """The demo's network as a file."""
    path = tmp_path / "digits.intaglio"
    path.write_bytes(demo.model_bytes())
    return path


@pytest.fixture
def array(tmp_path: Path) -> Path:
    """The first two test pictures as a .npy file."""
    path = tmp_path / "pictures.npy"
    np.save(path, network.load().images[:2])
    return path


def succeed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert cli.main([str(argument) for argument in arguments]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def succeed_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    return json.loads(succeed(capsys, *arguments, "--json"))


def fail(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on stderr of a command that fails with code 1 and prints nothing else."""
    assert cli.main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith(f"intaglio {arguments[0]}: ")
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main([command, "--help"])
    assert exited.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: intaglio {command}")


@pytest.mark.parametrize("arguments", [[], ["paint"], ["info"], ["bench", "x", "--threads", "0"], ["run", "--frob"]])
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main(arguments)
    assert exited.value.code == 2
    assert "usage: intaglio" in capsys.readouterr().err


def test_info(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = succeed(capsys, "info", net, "--tensors")
    for layer in network.LAYERS:
        assert layer.name in printed
    described = succeed_json(capsys, "info", net)
    assert described["inputs"][0]["shape"] == [1, *network.IMAGE]
    assert described["inputs"][0]["dtype"] == "uint8"
    assert described["macs"] == sum(layer["macs"] for layer in described["layers"]) > 0
    assert described["arena_bytes"] > 0
    assert all(layer["kernel"] for layer in described["layers"])


@pytest.mark.parametrize("tier", cpu.tiers())
def test_info_on_every_tier(tier: str, net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert succeed_json(capsys, "info", net, "--isa", tier)["isa"] == tier


def test_run_prints_the_top_classes(net: Path, array: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = succeed_json(capsys, "run", net, array, "--top", 3)
    (output,) = described.values()
    digits = network.load()
    expected = network.forward(digits.parameters, digits.images[:2])["logits"].argmax(axis=1)
    assert [sample[0]["class"] for sample in output["top"]] == expected.tolist()
    assert [len(sample) for sample in output["top"]] == [3, 3]
    assert "sample 1" in succeed(capsys, "run", net, array)


def test_run_names_classes(net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"digit {digit}" for digit in range(10)))
    printed = succeed(capsys, "run", net, f"image={array}", "--labels", labels)
    assert "digit " in printed


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_run_saves_outputs(
    suffix: str, net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"out{suffix}"
    succeed(capsys, "run", net, array, "--output", path, "--raw")
    loaded = np.load(path)
    (saved,) = loaded.values() if suffix == ".npz" else (loaded,)
    assert saved.dtype == np.int8
    assert saved.shape == (2, 10)


def test_run_reads_pictures(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = network.load().images[0, ..., 0]
    image.fromarray(pixels).save(tmp_path / "digit.png")
    np.save(tmp_path / "digit.npy", pixels[None, ..., None])
    assert succeed(capsys, "run", net, tmp_path / "digit.png") == succeed(capsys, "run", net, tmp_path / "digit.npy")


def test_bench(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = succeed(capsys, "bench", net, "--seconds", 0.05, "--threads", 1)
    assert "GMAC/s" in printed
    described = succeed_json(capsys, "bench", net, "--seconds", 0.05, "--threads", 1)
    assert described["threads"] == 1
    assert described["latency_seconds"]["p10"] <= described["latency_seconds"]["p90"]
    assert sum(layer["share_of_time"] for layer in described["layers"]) == pytest.approx(1)


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert "every tier gives the same bits" in succeed(capsys, "doctor")
    described = succeed_json(capsys, "doctor")
    assert described["chosen_tier"] in [tier["name"] for tier in described["tiers"]]
    assert described["tiers"][0]["peak_gmacs_per_second"] > 0


def test_convert(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = data / "models" / "mlperf_ad_int8.tflite"
    output = tmp_path / "ad.intaglio"
    described = succeed_json(capsys, "convert", source, "--output", output, "--requant", "fixed")
    assert described["output_bytes"] == output.stat().st_size
    assert succeed_json(capsys, "info", output)["macs"] == succeed_json(capsys, "info", source)["macs"]


def test_convert_writes_onnx(net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    output = tmp_path / "digits.onnx"
    succeed(capsys, "convert", net, "-o", output)
    pictures = np.load(array)
    np.testing.assert_array_equal(intaglio.load(output)(pictures), intaglio.load(net)(pictures))


def test_convert_knows_two_formats(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected a name that ends in .intaglio or .onnx" in fail(capsys, "convert", net, "-o", tmp_path / "x.h5")


def test_convert_keeps_its_source(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = net.read_bytes()
    assert "is the source itself" in fail(capsys, "convert", net)
    assert net.read_bytes() == before


def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    printed = succeed(capsys, "demo")
    for tier in cpu.tiers():
        assert f"{tier} " in printed
    assert printed.count("reads ") == 8
    described = succeed_json(capsys, "demo")
    assert described["float32"]["accuracy"] >= 0.98
    assert abs(described["float32"]["accuracy"] - described["int8"]["accuracy"]) <= 0.005


def test_demo_draws_on_terminals_without_unicode() -> None:
    assert ink_for("ascii").isascii()
    assert ink_for(None).isascii()
    assert not ink_for("utf-8").isascii()


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "absent.tflite" in fail(capsys, "info", tmp_path / "absent.tflite")


@pytest.mark.parametrize("content", [b"", b"INTAGLIO", b"something else entirely"])
def test_foreign_file(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.intaglio"
    path.write_bytes(content)
    fail(capsys, "info", path)


def test_unknown_tier(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mmx" in fail(capsys, "bench", net, "--isa", "mmx")


def test_wrong_inputs(net: Path, array: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected 1 inputs" in fail(capsys, "run", net, array, array)
    np.save(tmp_path / "wrong.npy", np.zeros((1, 9, 9, 1), np.uint8))
    assert "image" in fail(capsys, "run", net, tmp_path / "wrong.npy")
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY")
    assert "torn.npy" in fail(capsys, "run", net, tmp_path / "torn.npy")
    (tmp_path / "text.jpg").write_text("no picture")
    assert "text.jpg" in fail(capsys, "run", net, tmp_path / "text.jpg")
    assert "expected .npz" in fail(capsys, "run", net, array, "--output", tmp_path / "out.csv")


def test_reader_that_leaves_early(net: Path) -> None:
    command = f"{sys.executable} -m intaglio info --tensors {net} | head -n 1"
    finished = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert finished.stderr == ""


def test_numbers_read_well() -> None:
    assert text.count(1234567) == "1.23 M"
    assert text.size(3670016) == "3.5 MiB"
    assert text.duration(0.00123) == "1.23 ms"
    assert text.duration(2e-8) == "20 ns"
    assert text.shape(()) == "scalar"
    assert text.table(("a", "b"), [("x", 1), ("long", 22)], right=("b",)).splitlines() == [
        "a      b",
        "----  --",
        "x      1",
        "long  22",
    ]


def test_convert_shows_its_passes(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = data / "models" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    succeed(capsys, "convert", source, "-o", tmp_path / "net.intaglio", "--dump-passes", tmp_path / "passes")
    dumped = {file.name: file.read_text("utf-8") for file in sorted((tmp_path / "passes").iterdir())}
    afters, befores = list(dumped)[::2], list(dumped)[1::2]
    assert befores
    assert [name.replace(".after.", ".before.") for name in afters] == befores
    assert all(dumped[after] != dumped[before] for after, before in zip(afters, befores, strict=True))
    assert dumped[afters[-1]] == intaglio.Graph.load(tmp_path / "net.intaglio").summary() + "\n"

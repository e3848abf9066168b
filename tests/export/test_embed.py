"""`Graph.embed` and `intaglio export`: the bytes of the file under a name, for the linker."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import intaglio
from intaglio import cli, demo
from intaglio.export import elf

PROGRAM = """
#include <stdio.h>
#include "net.h"
int main(void) {
  if ((size_t)net % 64 != 0 || NET_INPUT_0_BYTES != 64 || NET_OUTPUT_0_BYTES != 10) return 1;
  return fwrite(net, 1, NET_BYTES, stdout) != NET_BYTES;
}
"""


@pytest.fixture
def graph() -> intaglio.Graph:
    return intaglio.Graph.from_bytes(demo.model_bytes())


@pytest.mark.parametrize("suffix", ["c", "o"])
@pytest.mark.parametrize("compiler", [["gcc", "-std=c11"], ["g++", "-std=c++11"]], ids=["c", "c++"])
def test_linked_bytes_are_those_of_the_file(
    graph: intaglio.Graph, tmp_path: Path, suffix: str, compiler: list[str]
) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"needs {compiler[0]}")
    files = graph.embed(tmp_path / f"net.{suffix}")
    assert files == [tmp_path / f"net.{suffix}", tmp_path / "net.h"]
    (tmp_path / "main.c").write_text(PROGRAM)
    command = [*compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", "main.c", f"net.{suffix}", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "program"], capture_output=True, check=True).stdout == graph.to_bytes()


@pytest.mark.parametrize("machine", elf.MACHINES)
def test_object_files_are_what_binutils_read(graph: intaglio.Graph, tmp_path: Path, machine: str) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("needs readelf")
    graph.embed(tmp_path / "net.o", machine=machine)
    command = ["readelf", "-hsSW", str(tmp_path / "net.o")]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stderr == ""
    names = {"x86_64": "X86-64", "aarch64": "AArch64", "armv7l": "ARM", "riscv64": "RISC-V"}
    assert names[machine] in finished.stdout
    (symbol,) = [line.split() for line in finished.stdout.splitlines() if line.endswith(" net")]
    assert symbol[2:] == [str(len(graph.to_bytes())), "OBJECT", "GLOBAL", "DEFAULT", "1", "net"]


def test_names(tmp_path: Path) -> None:
    """Those that are no C identifiers become some, and nothing in a network's names gets out of its comment."""
    builder = intaglio.Builder()
    builder.output(builder.reshape(builder.input("*/ int\nx", (1, 4), scale=1.0), (4, 1)))
    header = builder.build().embed(tmp_path / "7 nets.c")[1]
    assert header.name == "_7_nets.h"
    text = header.read_text()
    assert text.count("*/") == 2 and "int\n" not in text
    assert builder.build().embed(tmp_path / "a.c", name="other")[1].name == "other.h"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "net.txt"], "ends in .c for a C array, or in .o"),
        (["-o", "net.c", "--name", "7"], "expected a C identifier, got '7'"),
        (["-o", "net.c", "--machine", "x86_64"], "only an object file"),
        (["-o", "net.o", "--machine", "vax"], "expected x86_64, aarch64, armv7l, riscv64, got 'vax'"),
    ],
)
def test_refusals(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits.intaglio").write_bytes(demo.model_bytes())
    assert cli.main(["export", "digits.intaglio", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["digits.intaglio"]


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tmp_path / "digits.intaglio"
    network.write_bytes(demo.model_bytes())
    assert cli.main(["export", str(network), "-o", str(tmp_path / "net.c")]) == 0
    assert "net.h: " in capsys.readouterr().out
    assert cli.main(["export", str(network), "-o", str(tmp_path / "net.o"), "--json"]) == 0
    assert '"files"' in capsys.readouterr().out

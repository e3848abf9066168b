"""The C library for 64-bit Arm, cross-compiled: its size, a small program, and the example project, emulated."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from installing import install, once

import intaglio

PREFIX = "aarch64-linux-gnu-"
EMULATOR = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
#: Stripped, in bytes: the library with every tier and every op, and a program with one network. docs/embedding.md has
#: figures.
LARGEST_LIBRARY, LARGEST_PROGRAM = 500_000, 250_000
#: docs/embedding.md, "Small programs".
LINKED_SMALL = ["-Os", "-s", "-no-pie", "-Wl,--gc-sections,-z,norelro"]

MISSING = [name for name in (f"{PREFIX}gcc", f"{PREFIX}g++", "qemu-aarch64") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")


def output_of(*command: object) -> str:
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def cross(cmake: str, root: Path, prefix: Path, *options: str) -> Path:
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={root / 'cmake' / 'toolchains' / 'aarch64-linux.cmake'}"
    return once(prefix, lambda: install(cmake, root, prefix, toolchain, "-DINTAGLIO_WERROR=ON", *options))


@pytest.fixture(scope="session")
def whole(cmake: str, root: Path, shared_folder: Path) -> Path:
    """Where the library with everything in it is installed."""
    return cross(cmake, root, shared_folder / "aarch64")


@pytest.fixture(scope="session")
def small(cmake: str, root: Path, shared_folder: Path) -> Path:
    """Where the library with what one network needs is installed: the preset aarch64-tiny."""
    presets = json.loads((root / "CMakePresets.json").read_text("utf-8"))["configurePresets"]
    (variables,) = (preset["cacheVariables"] for preset in presets if preset["name"] == "aarch64-tiny")
    options = [f"-D{name}={value}" for name, value in variables.items()]
    return cross(cmake, root, shared_folder / "aarch64-tiny", *options)


def test_shared_library_is_small(whole: Path, tmp_path: Path) -> None:
    (library,) = whole.rglob("libintaglio.so")
    output_of(f"{PREFIX}strip", library, "-o", tmp_path / "stripped.so")
    size = (tmp_path / "stripped.so").stat().st_size
    assert size <= LARGEST_LIBRARY, f"{size} bytes"


def test_program_with_one_network_is_small(small: Path, root: Path, data: Path, tmp_path: Path) -> None:
    """The stripped file, with the library and the network in it and the C library outside."""
    graph = intaglio.convert(data / "models" / "mlperf_kws_int8.tflite")
    graph.embed(tmp_path / "keywords.c")
    (library,) = small.rglob("libintaglio.a")
    includes = [f"-I{small / 'include'}", f"-I{tmp_path}"]
    sources = [root / "tests" / "capi" / "keyword.c", tmp_path / "keywords.c"]
    program = tmp_path / "keyword"
    output_of(f"{PREFIX}gcc", *LINKED_SMALL, *includes, *sources, library, "-pthread", "-o", program)

    x = np.random.default_rng(6).integers(-128, 128, (1, 49, 10, 1)).astype(np.int8)
    (tmp_path / "x").write_bytes(x.tobytes())
    (expected,) = intaglio.load(graph).run({graph.inputs[0].tensor: x}, raw=True).values()
    assert output_of(*EMULATOR, program, tmp_path / "x").split() == [str(value) for value in expected[0]]
    assert program.stat().st_size <= LARGEST_PROGRAM, f"{program.stat().st_size} bytes"


def test_example_builds_from_an_installation(cmake: str, whole: Path, root: Path, tmp_path: Path) -> None:
    """Copied away from the repository, and linked statically."""
    shutil.copytree(root / "examples" / "embed", tmp_path / "embed")
    shutil.copy(root / "cmake" / "toolchains" / "aarch64-linux.cmake", tmp_path)
    build = tmp_path / "build"
    options = [f"-DCMAKE_PREFIX_PATH={whole}", f"-DCMAKE_TOOLCHAIN_FILE={tmp_path / 'aarch64-linux.cmake'}"]
    output_of(cmake, "-S", tmp_path / "embed", "-B", build, *options)
    output_of(cmake, "--build", build)
    assert "aarch64" in output_of("readelf", "-h", build / "classify").lower()
    for digit in (3, 7):
        picture = tmp_path / "embed" / "pictures" / f"{digit}.pgm"
        assert output_of(*EMULATOR, build / "classify", picture) == f"{digit}\n"

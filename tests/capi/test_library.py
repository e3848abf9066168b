"""What gets installed: small, with no symbols but its own, and found by CMake and pkg-config."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from programs import Program, Toolbox

from intaglio import demo
from intaglio.export import c_source

#: With every tier and every op; docs/embedding.md has figures.
LARGEST = 700_000


on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="a tier of x86-64")


def output_of(*command: object, **environment: str) -> str:
    finished = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def symbols(library: Path, which: str) -> list[str]:
    return [line.split()[-1] for line in output_of("nm", "-D", which, library).splitlines()]


def test_shared_library_shows_its_interface_alone(release: Toolbox, root: Path) -> None:
    header = (root / "csrc" / "include" / "intaglio" / "intaglio.h").read_text("utf-8")
    declared = re.findall(r"^INTAGLIO_API .*?\b(intaglio_\w+)\(", header, re.MULTILINE)
    assert sorted(symbols(release.library, "--defined-only")) == sorted(declared)


def test_shared_library_needs_no_cpp_library(release: Toolbox) -> None:
    foreign = [name for name in symbols(release.library, "--undefined-only") if re.search("CXX|^_Z|__cxa_guard", name)]
    assert not foreign
    needed = re.findall(r"NEEDED.*\[(.*)\]", output_of("readelf", "-d", release.library))
    assert all(re.match(r"lib(c|pthread)\.|ld-linux", name) for name in needed), needed


def test_shared_library_is_small(release: Toolbox, tmp_path: Path) -> None:
    output_of("strip", release.library, "-o", tmp_path / "stripped.so")
    size = (tmp_path / "stripped.so").stat().st_size
    assert size <= LARGEST, f"{size} bytes"


def test_static_initialisers_are_none(release: Toolbox) -> None:
    """A host that only loads the library runs none of its code, on whatever CPU."""
    sections = output_of("readelf", "-SW", release.library)
    (size,) = re.findall(r"\.init_array\s+INIT_ARRAY\s+\w+\s+\w+\s+(\w+)", sections)
    assert int(size, 16) == 8  # the C library's own frame_dummy


def test_example_builds_from_an_installation(cmake: str, installed: Path, root: Path, tmp_path: Path) -> None:
    """Copied away from the repository, and linked statically."""
    shutil.copytree(root / "examples" / "embed", tmp_path / "embed")
    build = tmp_path / "build"
    output_of(cmake, "-S", tmp_path / "embed", "-B", build, f"-DCMAKE_PREFIX_PATH={installed}")
    output_of(cmake, "--build", build)
    for digit in (3, 7):
        assert Program(build / "classify").run(tmp_path / "embed" / "pictures" / f"{digit}.pgm") == f"{digit}\n"
    Program(build / "classify").run("no such picture", expect=2)


def test_example_has_the_network_of_the_demo(root: Path) -> None:
    folder, file = root / "examples" / "embed", demo.model_bytes()
    assert (folder / "digits.c").read_text() == c_source.source(file, "digits")


@pytest.mark.parametrize("static", [True, False], ids=["static", "shared"])
def test_pkg_config(static: bool, release: Toolbox, root: Path, tmp_path: Path) -> None:
    if shutil.which("pkg-config") is None:
        pytest.skip("needs pkg-config")
    (folder,) = {path.parent for path in release.prefix.rglob("intaglio.pc")}
    asked = ["--cflags", "--libs", *(["--static"] if static else [])]
    flags = output_of("pkg-config", *asked, "intaglio", PKG_CONFIG_PATH=str(folder)).split()
    example = root / "examples" / "embed"
    program = tmp_path / "classify"
    output_of(
        "gcc", *(["-static"] if static else []), example / "classify.c", example / "digits.c", *flags, "-o", program
    )
    environment = {} if static else {"LD_LIBRARY_PATH": str(release.library.parent)}
    assert output_of(program, example / "pictures" / "3.pgm", **environment) == "3\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("INTAGLIO_ISAS=sse9", "unknown 'sse9'"),
        ("INTAGLIO_OPS=sums;magic", "unknown 'magic'"),
        pytest.param("INTAGLIO_ISAS=amx", "amx needs avx512vnni", marks=on_x86),
    ],
)
def test_bad_options_are_refused(cmake: str, root: Path, tmp_path: Path, option: str, message: str) -> None:
    command = [cmake, "-S", str(root), "-B", str(tmp_path / "build"), "-DINTAGLIO_PYTHON=OFF", f"-D{option}"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode != 0
    assert message in finished.stderr


def test_presets_configure(cmake: str, root: Path, tmp_path: Path) -> None:
    """Those for this machine."""
    listed = output_of(cmake, "--list-presets", "-S", root)
    for name in ("library", "small", "sanitize"):
        assert f'"{name}"' in listed
        output_of(cmake, "--preset", name, "-S", root, "-B", tmp_path / name)

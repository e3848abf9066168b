"""The C library, built once for all tests and workers: as users have it, and with sanitizers."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from installing import install, once
from programs import BUILT_OPS, Toolbox, compiler_called

from intaglio import demo


@pytest.fixture(scope="session")
def cmake() -> str:
    found = shutil.which("cmake", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip("needs cmake")
    return found


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all of pytest-xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "capi"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def installed(cmake: str, root: Path, shared_folder: Path) -> Path:
    """Where the library with everything in it is installed."""
    prefix = shared_folder / "release"
    return once(prefix, lambda: install(cmake, root, prefix, "-DINTAGLIO_WERROR=ON"))


@pytest.fixture(scope="session")
def sanitized(cmake: str, root: Path, shared_folder: Path) -> Path:
    """Where a library with address and undefined-behaviour sanitizers is installed: the scalar tier, some ops."""
    prefix = shared_folder / "sanitized"
    options = [
        "-DCMAKE_BUILD_TYPE=Debug",
        "-DCMAKE_CXX_FLAGS=-O1 -fsanitize=address,undefined -fno-sanitize-recover=all",
        "-DINTAGLIO_ISAS=scalar",
        f"-DINTAGLIO_OPS={';'.join(BUILT_OPS)}",
    ]
    return once(prefix, lambda: install(cmake, root, prefix, *options))


@pytest.fixture(scope="session")
def cortex_m3(cmake: str, root: Path, shared_folder: Path) -> Path:
    """Where a library for Cortex-M3 without operating system is installed."""
    for program in ("arm-none-eabi-g++", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    prefix = shared_folder / "cortex_m3"
    toolchain = root / "cmake" / "toolchains" / "cortex-m3.cmake"
    families = "sums;elementwise;reductions;movement;conversion"
    options = [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", f"-DINTAGLIO_OPS={families}", "-DINTAGLIO_WERROR=ON"]
    return once(prefix, lambda: install(cmake, root, prefix, *options))


@pytest.fixture(scope="session")
def bare_metal(cmake: str, root: Path, shared_folder: Path) -> Path:
    """Where a small library for this CPU without its operating system is installed."""
    prefix = shared_folder / "bare_metal"
    options = ["-DINTAGLIO_BARE_METAL=ON", "-DINTAGLIO_ISAS=scalar", "-DINTAGLIO_OPS=movement", "-DINTAGLIO_WERROR=ON"]
    return once(prefix, lambda: install(cmake, root, prefix, *options))


@pytest.fixture(params=["gcc", "clang"])
def compiler(request: pytest.FixtureRequest) -> str:
    found = compiler_called(str(request.param))
    if found is None:
        pytest.skip(f"needs {request.param}")
    return found


@pytest.fixture
def release(installed: Path, tmp_path: Path) -> Toolbox:
    """Programs with the library as users have it."""
    return Toolbox(installed, tmp_path, [])


@pytest.fixture
def sanitizing(sanitized: Path, tmp_path: Path) -> Toolbox:
    """Programs with sanitizers."""
    return Toolbox(sanitized, tmp_path, ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"])


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """The demo's network as a file."""
    path = tmp_path / "digits.intaglio"
    path.write_bytes(demo.model_bytes())
    return path

"""What gets installed: small, typed, quiet, and with NumPy as the only dependency."""

from __future__ import annotations

import importlib.metadata
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from wheel_contents import LARGEST, NEEDED, SUFFIXES, strange

import intaglio
from intaglio import _core

PACKAGE = Path(intaglio.__file__).parent


def run_python(program: str) -> str:
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_numpy_is_the_only_dependency() -> None:
    requirements = importlib.metadata.requires("intaglio") or []
    assert [line for line in requirements if "extra ==" not in line] == ["numpy>=1.24"]


def test_importing_brings_only_numpy_and_the_standard_library() -> None:
    foreign = run_python(
        "import sys; before = set(sys.modules); import intaglio\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(names - set(sys.stdlib_module_names) - {'intaglio', 'numpy'}))"
    )
    assert foreign.strip() == "[]"


def test_importing_leaves_the_process_alone() -> None:
    output = run_python(
        "import numpy, os, signal, threading\n"
        "def state():\n"
        "    handlers = [signal.getsignal(number) for number in signal.valid_signals()]\n"
        "    return handlers, threading.active_count(), len(os.listdir('/proc/self/task')), dict(os.environ)\n"
        "before = state(); import intaglio; after = state()\n"
        "print(before == after)"
    )
    assert output == "True\n"


def test_package_holds_what_it_needs_and_fits() -> None:
    files = [file for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    names = {file.relative_to(PACKAGE).as_posix() for file in files}
    assert names >= NEEDED
    assert not {Path(name).suffix for name in names} - SUFFIXES
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in files:
            wheel.write(file)
    assert packed.tell() <= LARGEST


def test_extension_shows_only_its_init_function() -> None:
    finished = subprocess.run(
        ["nm", "--dynamic", "--defined-only", _core.__file__], capture_output=True, text=True, check=True
    )
    strong = [line.split()[-1] for line in finished.stdout.splitlines() if line.split()[-2] in "BDRT"]
    assert strong == ["PyInit__core"]


def test_command_and_module_are_the_same() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="intaglio")
    assert script.value == "intaglio.cli:main"
    finished = subprocess.run(
        [sys.executable, "-m", "intaglio", "--version"], capture_output=True, text=True, check=True
    )
    assert finished.stdout == f"intaglio {importlib.metadata.version('intaglio')}\n"


@pytest.mark.slow
def test_wheel_builds_and_fits(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(root)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("intaglio-*.whl")
    assert not strange(wheel)

"""Builds the wheels that can be built here, and tests each where it would run.

    python tests/wheels/wheels.py [--build DIR]

That for this machine is installed into an environment of its own, that for 64-bit Arm into a Python under qemu-user.
Wheels end up in DIR/wheels/out, for the oldest Linux that the C library of this machine allows; those for a release are
made by cibuildwheel (docs/releasing.md).
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import arm64

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from wheel_contents import strange

ROOT = Path(__file__).resolve().parent.parent.parent

TEST_REQUIREMENTS = ["numpy>=1.24", "pytest>=8", "pytest-benchmark>=4", "hypothesis>=6.100"]
#: What needs no more than these, and runs in minutes under an emulator.
TESTS = [
    "tests/api",
    "tests/test_demo.py",
    "tests/test_packaging.py",
    *(f"tests/ops/test_gemm_ops.py::test_{name}" for name in ("convolutions_of_networks", "matrix_products")),
]


def repair(wheel: Path, out: Path) -> Path:
    """The wheel with the tag of every Linux it runs on; fails where it would need libraries that Linux may lack."""
    before = set(out.glob("*.whl"))
    subprocess.run([sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(out), str(wheel)], check=True)
    (repaired,) = set(out.glob("*.whl")) - before
    if found := strange(repaired):
        sys.exit(f"{repaired.name}: {', '.join(found)}")
    return repaired


def run_tests(python: Path, *options: str) -> None:
    """Of what is installed for this Python, not of the repository's sources."""
    command = [python, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *options, *TESTS]
    subprocess.run(command, check=True, cwd=ROOT)


def make_native(folder: Path, out: Path) -> Path:
    """For this machine and this Python."""
    pip = [sys.executable, "-m", "pip"]
    raw = folder / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(raw), str(ROOT)], check=True)
    (wheel,) = raw.glob("intaglio-*.whl")
    repaired = repair(wheel, out)
    venv.create(folder / "venv", clear=True, with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(repaired), *TEST_REQUIREMENTS], check=True)
    run_tests(python)
    return repaired


def make_arm64(folder: Path, out: Path) -> Path:
    """For 64-bit Arm, by a Python under qemu-user."""
    requirements = [*TEST_REQUIREMENTS, "scikit-build-core>=0.11", "pybind11>=2.13"]
    python = arm64.make_python(folder / "python", requirements)
    repaired = repair(arm64.build_wheel(python, ROOT, folder), out)
    arm64.install(python.parents[2], [str(repaired)], "--no-deps", "--upgrade")
    # qemu-user fails assertions of its own where a process with threads forks, and has a thread that blocks signals.
    run_tests(python, "-k", "not fork and not signals_go_to_the_users_threads")
    return repaired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where to build")
    build = parser.parse_args().build.resolve() / "wheels"
    shutil.rmtree(build / "out", ignore_errors=True)
    (build / "out").mkdir(parents=True)
    wheels = [make_native(build / platform.machine(), build / "out")]
    if platform.machine() != "aarch64":
        if program := arm64.missing():
            print(f"left out: aarch64: needs {program}")
        else:
            wheels.append(make_arm64(build / "aarch64", build / "out"))
    for wheel in wheels:
        print(f"{wheel}: {wheel.stat().st_size / 1024:.0f} KiB, tested")


if __name__ == "__main__":
    main()

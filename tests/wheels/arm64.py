"""A Python for 64-bit Arm, out of Debian's packages and under qemu-user: builds the wheel with the cross compiler and
runs its tests. Nothing is installed outside its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

RELEASE = "bookworm"
VERSION = "3.11"
PACKAGES = (
    f"python{VERSION}-minimal",
    f"libpython{VERSION}-minimal",
    f"libpython{VERSION}-stdlib",
    f"libpython{VERSION}-dev",
    *("libc6", "libgcc-s1", "libstdc++6", "libexpat1", "zlib1g", "libffi8", "libssl3", "libbz2-1.0", "liblzma5"),
    "libcrypt1",
)
#: The emulated process runs the host's own programs, so a build calls the host's cmake and cross compiler. The name
#: that Python is called by tells it where it lives.
LAUNCHER = """#!/bin/sh
root=$(dirname "$0")/../..
exec qemu-aarch64 -L "$root" -0 "$0" "$root/usr/bin/{real}" "$@"
"""


def missing() -> str | None:
    """What this machine lacks, if anything."""
    programs = ("apt-get", "dpkg", "qemu-aarch64", "aarch64-linux-gnu-g++")
    return next((program for program in programs if shutil.which(program) is None), None)


def make_python(folder: Path, requirements: list[str]) -> Path:
    """The Python in the folder, made where it is not there yet, with wheels of the requirements."""
    root = folder / "root"
    python = root / "usr" / "bin" / f"python{VERSION}"
    if (folder / "done").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    for package in _download(folder / "packages"):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    real = python.with_name(f"{python.name}-aarch64")
    python.rename(real)
    python.write_text(LAUNCHER.format(real=real.name))
    python.chmod(0o755)
    install(root, requirements)
    (folder / "done").touch()
    return python


def install(root: Path, requirements: list[str], *options: str) -> None:
    """Puts wheels for the Python in ``root`` where it looks for them; pip itself runs here."""
    target = root / "usr" / "lib" / "python3" / "dist-packages"
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in (36, 34, 28, 17)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", f"--target={target}"]
    subprocess.run([*command, f"--python-version={VERSION}", *platforms, *options, *requirements], check=True)


def build_wheel(python: Path, repository: Path, folder: Path) -> Path:
    """The wheel that this Python builds for itself."""
    out = folder / "raw"
    settings = {"build-dir": str(folder / "build")}
    program = f"from scikit_build_core.build import build_wheel; build_wheel({str(out)!r}, {settings!r})"
    toolchain = repository / "cmake" / "toolchains" / "aarch64-linux.cmake"
    environment = {"CMAKE_ARGS": f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "CPATH": str(python.parents[1] / "include")}
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([python, "-c", program], check=True, cwd=repository, env={**os.environ, **environment})
    (wheel,) = out.glob("intaglio-*.whl")
    return wheel


def _download(folder: Path) -> list[Path]:
    """Debian's packages, through an apt with lists, cache and architecture of its own."""
    for name in ("state/lists/partial", "cache/archives/partial", "debs"):
        (folder / name).mkdir(parents=True)
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'APT::Architecture "arm64"; APT::Architectures {{ "arm64"; }}; APT::Sandbox::User "";\n'
        f'APT::Default-Release "{RELEASE}"; Dir::State "{folder}/state"; Dir::State::status "/dev/null";\n'
        f'Dir::Cache "{folder}/cache";\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(configuration)}
    subprocess.run(["apt-get", "--quiet=2", "update"], check=True, env=environment)
    subprocess.run(["apt-get", "--quiet=2", "download", *PACKAGES], check=True, env=environment, cwd=folder / "debs")
    return sorted((folder / "debs").glob("*.deb"))

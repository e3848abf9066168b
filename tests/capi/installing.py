"""Building and installing the C library, once for all workers."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path


def once(folder: Path, make: Callable[[], None]) -> Path:
    """The folder, made by whichever worker comes first."""
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        if not done.exists():
            make()
            done.touch()
    return folder


def install(cmake: str, root: Path, prefix: Path, *options: str) -> None:
    """Configures, builds and installs from nothing."""
    build = prefix.with_name(f"{prefix.name}-build")
    parallel = str(len(os.sched_getaffinity(0)))
    for command in (
        [cmake, "-S", str(root), "-B", str(build), "-DINTAGLIO_PYTHON=OFF", *options],
        [cmake, "--build", str(build), "--parallel", parallel],
        [cmake, "--install", str(build), "--prefix", str(prefix)],
    ):
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]

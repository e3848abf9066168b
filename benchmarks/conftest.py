"""Keeps NumPy to one thread, as every engine here, and says what else would make its figures unfair."""

from __future__ import annotations

import os

# Read when NumPy is first imported, which is after this.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def pytest_report_header() -> list[str]:
    core = os.environ.get("OPENBLAS_CORETYPE")
    return [f"OPENBLAS_CORETYPE={core} is set: NumPy runs that CPU type's kernels"] if core else []

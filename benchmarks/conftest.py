"""Says at the head of a report what would make its NumPy figures unfair."""

from __future__ import annotations

import os


def pytest_report_header() -> list[str]:
    core = os.environ.get("OPENBLAS_CORETYPE")
    return [f"OPENBLAS_CORETYPE={core} is set: NumPy runs that CPU type's kernels"] if core else []

"""Where a benchmark's figures go: a table for people, JSON for programs, and what machine they are from."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from intaglio import cpu


def machine(*packages: str) -> dict[str, Any]:
    """What must be known to compare figures; OPENBLAS_CORETYPE slows NumPy where it names an older CPU."""
    versions = {}
    for package in ("intaglio", "numpy", *packages):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "cpu": cpu.name(),
        "python": platform.python_version(),
        "versions": versions,
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE"),
    }


def publish(title: str, table: str, figures: dict[str, Any], json_path: Path | None) -> None:
    """Prints the table, and writes all figures to the JSON file if one is asked for."""
    about = figures["machine"]
    print(f"{title}\n{about['cpu']}; " + ", ".join(f"{name} {number}" for name, number in about["versions"].items()))
    if about["OPENBLAS_CORETYPE"]:
        print(f"OPENBLAS_CORETYPE={about['OPENBLAS_CORETYPE']} is set: NumPy runs that CPU type's kernels")
    print("\n" + table)
    if json_path is not None:
        json_path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

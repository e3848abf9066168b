"""What belongs into a wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

LARGEST = 2 * 1024 * 1024
SUFFIXES = {".py", ".pyi", ".typed", ".npz", ".intaglio", ".so", ".css"}
NEEDED = {"py.typed", "_core.pyi", "demo/digits.npz", "demo/digits.intaglio"}


def strange(wheel: Path) -> list[str]:
    """What is wrong with a wheel: too large, too much in it, or too little."""
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]
    found = [] if wheel.stat().st_size <= LARGEST else [f"{wheel.stat().st_size} bytes"]
    package = [name.relative_to("intaglio") for name in names if name.parts[0] == "intaglio"]
    foreign = {name.parts[0] for name in names} - {"intaglio"}
    found += [name for name in foreign if not name.endswith(".dist-info")]
    found += [str(name) for name in package if name.suffix not in SUFFIXES]
    found += [f"no {name}" for name in NEEDED - {str(name) for name in package}]
    libraries = [name for name in package if name.suffix == ".so"]
    if len(libraries) != 1 or not str(libraries[0]).startswith("_core."):
        found.append(f"libraries {[str(name) for name in libraries]}")
    return found

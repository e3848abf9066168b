"""Plain text for people: aligned tables and numbers with units."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> str:
    """Aligned columns under a header; columns named in `right` are flush right."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, header, strict=True)
        )
        return "  ".join(aligned).rstrip()

    return "\n".join([line(cells[0]), line(["-" * width for width in widths]), *map(line, cells[1:])])


def fields(pairs: Sequence[tuple[str, object]]) -> str:
    """`name  value` lines, the values aligned."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs)


def count(value: float) -> str:
    """1234567 as "1.23 M"."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def size(value: float) -> str:
    """A number of bytes: 3674112 as "3.5 MiB"."""
    for unit, bytes_ in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= bytes_:
            return f"{value / bytes_:.1f} {unit}"
    return f"{value:.0f} B"


def duration(seconds: float) -> str:
    """A time with the unit that reads best: 0.00123 as "1.23 ms"."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def shape(dims: Sequence[int]) -> str:
    """(1, 224, 224, 3) as "1x224x224x3"; a scalar as "scalar"."""
    return "x".join(map(str, dims)) or "scalar"


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))

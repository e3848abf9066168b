"""A progress bar on stderr, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

_WIDTH: Final = 30
_SECONDS_BETWEEN: Final = 0.1


def track(items: Iterable[T], label: str, enabled: bool) -> Iterator[T]:
    """The items, with a bar that counts them as they are taken and goes away at the end."""
    if not enabled or not sys.stderr.isatty():
        yield from items
        return
    try:
        total = len(items)  # type: ignore[arg-type]
    except TypeError:
        total = 0
    start, shown = time.monotonic(), 0.0
    try:
        for count, item in enumerate(items):
            now = time.monotonic()
            if now - shown >= _SECONDS_BETWEEN:
                shown = now
                _show(f"{label} {_bar(count, total)} {now - start:.0f} s")
            yield item
    finally:
        _show("")


def _bar(count: int, total: int) -> str:
    if not total:
        return str(count)
    filled = min(_WIDTH * count // total, _WIDTH)
    return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {count}/{total}"


def _show(line: str) -> None:
    """Replace the line that the cursor is on."""
    sys.stderr.write(f"\r\x1b[K{line}")
    sys.stderr.flush()

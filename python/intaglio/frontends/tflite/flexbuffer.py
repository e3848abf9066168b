"""Reading the FlexBuffer that holds a custom operator's options: a map of names to numbers.

Nothing in it is trusted. `struct` refuses what lies beyond the end, and positions before the beginning are checked.
"""

from __future__ import annotations

import struct
from typing import Final

from intaglio.errors import ModelFormatError

#: Kinds of values by their number in the format; an indirect one lies elsewhere, at its own width.
_INTEGERS: Final = {1: "bhiq", 2: "BHIQ", 26: "BHIQ"}
_INDIRECT: Final = {6: 1, 7: 2, 8: 3}
_FLOAT: Final = 3
_MAP: Final = 9
#: Floats of 1 byte do not exist.
_FLOATS: Final = ("", "e", "f", "d")


def read_numbers(data: bytes) -> dict[str, float]:
    """The entries of a map that are numbers or truth values; others are left out."""
    try:
        return _read_map(data)
    except (struct.error, IndexError, ValueError) as error:
        raise ModelFormatError(f"custom options of {len(data)} bytes are damaged: {error}") from error


def _read_map(data: bytes) -> dict[str, float]:
    # The end of the buffer says what the root is: its value, its type, and the width of the value.
    packed, width = data[-2], data[-1]
    if packed >> 2 != _MAP:
        raise ModelFormatError("custom options: expected a map")
    values = _follow(data, len(data) - 2 - width, width)
    width = 1 << (packed & 3)
    count = _unsigned(data, values - width, width)
    keys = _follow(data, values - 3 * width, width)
    key_width = _unsigned(data, values - 2 * width, width)
    types = values + count * width
    if count > len(data):
        raise ModelFormatError(f"custom options: {count} entries in {len(data)} bytes")
    entries = {}
    for i in range(count):
        key = _text(data, _follow(data, keys + i * key_width, key_width))
        number = _number(data, values + i * width, width, data[types + i])
        if number is not None:
            entries[key] = number
    return entries


def _number(data: bytes, position: int, width: int, packed: int) -> float | None:
    kind = packed >> 2
    if kind in _INDIRECT:
        position, width, kind = _follow(data, position, width), 1 << (packed & 3), _INDIRECT[kind]
    if kind == _FLOAT:
        return float(_scalar(data, position, width, _FLOATS))
    return _scalar(data, position, width, _INTEGERS[kind]) if kind in _INTEGERS else None


def _scalar(data: bytes, position: int, width: int, formats: tuple[str, ...] | str) -> float:
    letter = formats[width.bit_length() - 1] if width in (1, 2, 4, 8) else ""
    if position < 0 or not letter:
        raise ModelFormatError(f"custom options: a number of {width} bytes at {position}")
    value: float = struct.unpack_from(f"<{letter}", data, position)[0]
    return value


def _unsigned(data: bytes, position: int, width: int) -> int:
    return int(_scalar(data, position, width, "BHIQ"))


def _follow(data: bytes, position: int, width: int) -> int:
    """The position that an offset, which counts back from itself, points to."""
    return position - _unsigned(data, position, width)


def _text(data: bytes, position: int) -> str:
    if position < 0:
        raise ModelFormatError(f"custom options: a name at {position}")
    return data[position : data.index(b"\0", position)].decode("utf-8", "replace")

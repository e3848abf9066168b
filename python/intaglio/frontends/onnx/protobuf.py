"""Reading protobuf messages without trusting them.

A message is a run of fields: a key that holds a number and a wire type, then a value. What the numbers mean is in
`schema`. Nothing is copied: bytes are views of the file. Fields that nobody asks for are stepped over.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np

from intaglio.errors import ModelFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VARINT: Final = 0
_BYTES: Final = 2
#: Bytes of the wire types of a fixed size.
_FIXED: Final = {1: 8, 5: 4}
#: Bytes of the longest varint: 64 bits in groups of 7.
_LONGEST: Final = 10
_FLOAT32: Final = struct.Struct("<f")


class Message:
    """The values of each field in the order of the file: integers, or the bytes of anything else."""

    __slots__ = ("_fields",)

    def __init__(self, data: memoryview) -> None:
        fields: dict[int, list[int | memoryview]] = {}
        position, end = 0, len(data)
        value: int | memoryview
        try:
            while position < end:
                key, position = _varint(data, position)
                kind = key & 7
                if kind == _VARINT:
                    value, position = _varint(data, position)
                else:
                    size = _FIXED.get(kind, 0)
                    if kind == _BYTES:
                        size, position = _varint(data, position)
                    elif not size:
                        _damaged(f"a field has wire type {kind}")
                    start, position = position, position + size
                    value = data[start:position]
                fields.setdefault(key >> 3, []).append(value)
        except IndexError:
            _damaged("a number is cut off")
        if position > end:
            _damaged(f"a field ends {position - end} bytes behind its message")
        self._fields = fields

    def __contains__(self, field: int) -> bool:
        return field in self._fields

    def number(self, field: int) -> int:
        """An integer of at most 64 bits, the last one given; 0 where it is left out."""
        value = self._fields.get(field, (0,))[-1]
        if not isinstance(value, int):
            _damaged(f"field {field}: expected a number, got bytes")
        return value - (1 << 64) if value >> 63 else value

    def float32(self, field: int) -> float:
        data = self.bytes(field)
        if len(data) not in (0, 4):
            _damaged(f"field {field}: expected a float32, got {len(data)} bytes")
        return float(_FLOAT32.unpack(data)[0]) if data else 0.0

    def bytes(self, field: int) -> memoryview:
        """The last value given; empty where it is left out."""
        return self._runs(field)[-1] if field in self._fields else memoryview(b"")

    def text(self, field: int) -> str:
        return _text(self.bytes(field))

    def texts(self, field: int) -> tuple[str, ...]:
        return tuple(_text(run) for run in self._runs(field))

    def message(self, field: int) -> Message:
        """One message, which may be given in parts; empty where it is left out."""
        return Message(self.joined(field))

    def messages(self, field: int) -> list[Message]:
        return [Message(run) for run in self._runs(field)]

    def integers(self, field: int) -> NDArray[np.int64]:
        """Integers one by one, or many in one run of bytes."""
        values = self._fields.get(field, [])
        if all(isinstance(value, int) for value in values):
            return np.array(values, np.uint64).view(np.int64)
        parts = [np.array([v], np.uint64) if isinstance(v, int) else _varints(v) for v in values]
        return np.concatenate(parts).view(np.int64)

    def joined(self, field: int) -> memoryview:
        """All values end to end: one message in parts, or numbers of a fixed size one by one or many in one run."""
        runs = self._runs(field)
        return runs[0] if len(runs) == 1 else memoryview(b"".join(runs))

    def _runs(self, field: int) -> list[memoryview]:
        values = self._fields.get(field, [])
        runs = [value for value in values if isinstance(value, memoryview)]
        if len(runs) < len(values):
            _damaged(f"field {field}: expected bytes, got a number")
        return runs


def _damaged(reason: str) -> NoReturn:
    raise ModelFormatError(f"the file is no .onnx file, or is damaged: {reason}")


def _text(data: memoryview) -> str:
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        _damaged(f"a name is not UTF-8: {error.reason}")


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """An unsigned integer in groups of 7 bits, the lowest first, and the position behind it."""
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    value = byte & 0x7F
    for place in range(1, _LONGEST):
        byte = data[position + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + place + 1
    _damaged(f"a number has more than {_LONGEST} bytes")


def _varints(data: memoryview) -> NDArray[np.uint64]:
    """All of a run of varints."""
    groups = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(groups < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1])[: len(ends)]
    lengths = ends - starts + 1
    if (len(groups) and groups[-1] >= 0x80) or lengths.max(initial=0) > _LONGEST:
        _damaged("a run of numbers is cut off")
    values = np.zeros(len(ends), np.uint64)
    for place in range(lengths.max(initial=0)):
        longer = lengths > place
        group = (groups[starts[longer] + place] & 0x7F).astype(np.uint64)
        values[longer] |= group << np.uint64(7 * place)
    return values

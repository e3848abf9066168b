"""Reading FlatBuffers without trusting them: every offset is checked before it is followed.

A table is a position; its vtable says where each field lies. Nothing is copied: vectors of numbers are NumPy views
of the file.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import ModelFormatError

_U32: Final = struct.Struct("<I")
_I32: Final = struct.Struct("<i")
_VTABLE: Final = struct.Struct("<HH")
_SCALARS: Final = {name: struct.Struct("<" + name) for name in "?bBiIqQf"}

#: Elements handed out may exceed the bytes of the file by this factor. Vectors may be shared, but a small file must not
#: expand into a large amount of work.
_SHARING: Final = 16


class File:
    """The bytes of a FlatBuffer, read with bounds checks."""

    __slots__ = ("_budget", "_vtables", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._budget = _SHARING * len(data) + 1024
        self._vtables: dict[int, tuple[int, tuple[int, ...]]] = {}

    def root(self) -> Table:
        return Table(self, self.u32(0))

    def vtable(self, position: int) -> tuple[int, tuple[int, ...]]:
        """Size of the tables that share a vtable, and offset of each of their fields, 0 where there is none."""
        if position not in self._vtables:
            self.check(position, 4)
            size, table_size = _VTABLE.unpack_from(self.data, position)
            self.check(position, size)
            fields = struct.unpack_from(f"<{max(size - 4, 0) // 2}H", self.data, position + 4)
            self._vtables[position] = (table_size, fields)
        return self._vtables[position]

    def u32(self, position: int) -> int:
        self.check(position, 4)
        value: int = _U32.unpack_from(self.data, position)[0]
        return value

    def check(self, position: int, size: int) -> None:
        """Raises unless ``size`` bytes at ``position`` lie inside the file."""
        if position < 0 or position + size > len(self.data):
            raise ModelFormatError(
                f"the file is damaged or truncated: {size} bytes at {position} lie outside its {len(self.data)} bytes"
            )

    def vector(self, position: int, item_size: int) -> tuple[int, int]:
        """Position of the first element and number of elements of the vector at ``position``."""
        count = self.u32(position)
        self.check(position + 4, count * item_size)
        self._budget -= count
        if self._budget < 0:
            raise ModelFormatError("the file is damaged: its vectors overlap")
        return position + 4, count


class Table:
    """One table; fields are named by slot, their index in the schema."""

    __slots__ = ("_fields", "_file", "_position")

    def __init__(self, file: File, position: int) -> None:
        file.check(position, 4)
        size, self._fields = file.vtable(position - _I32.unpack_from(file.data, position)[0])
        file.check(position, size)
        self._file = file
        self._position = position

    def _field(self, slot: int) -> int | None:
        """Position of a field, None where the table leaves it out."""
        if slot >= len(self._fields) or self._fields[slot] == 0:
            return None
        return self._position + int(self._fields[slot])

    def _reference(self, slot: int) -> int | None:
        """Position that an offset field points to."""
        field = self._field(slot)
        return None if field is None else field + self._file.u32(field)

    def scalar(self, slot: int, kind: str, default: Any) -> Any:
        """A number; ``kind`` is its struct format character."""
        field = self._field(slot)
        if field is None:
            return default
        self._file.check(field, _SCALARS[kind].size)
        return _SCALARS[kind].unpack_from(self._file.data, field)[0]

    def table(self, slot: int) -> Table | None:
        position = self._reference(slot)
        return None if position is None else Table(self._file, position)

    def array(self, slot: int, dtype: str) -> NDArray[Any] | None:
        """A vector of numbers as a view of the file."""
        position = self._reference(slot)
        if position is None:
            return None
        item = np.dtype(dtype)
        start, count = self._file.vector(position, item.itemsize)
        return np.frombuffer(self._file.data, item, count, start)

    def text(self, slot: int) -> str:
        position = self._reference(slot)
        if position is None:
            return ""
        start, count = self._file.vector(position, 1)
        return self._file.data[start : start + count].decode("utf-8", "replace")

    def tables(self, slot: int) -> list[Table]:
        """A vector of tables."""
        position = self._reference(slot)
        if position is None:
            return []
        start, count = self._file.vector(position, 4)
        offsets = struct.unpack_from(f"<{count}I", self._file.data, start)
        return [Table(self._file, start + 4 * i + offset) for i, offset in enumerate(offsets)]

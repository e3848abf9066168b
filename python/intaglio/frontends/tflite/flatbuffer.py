"""Reading FlatBuffers without trusting them.

A table is a position; its vtable says where each field lies. Nothing is copied: vectors of numbers are NumPy views
of the file. Every read is checked: `struct` refuses positions beyond the end, and the two places where a position could
be negative or a vector too long check for themselves.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from intaglio.errors import ModelFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from intaglio.frontends import FileBytes

_Unpack: TypeAlias = "Callable[[FileBytes, int], tuple[Any, ...]]"

_U32: Final = struct.Struct("<I").unpack_from
_I32: Final = struct.Struct("<i").unpack_from
_VTABLE: Final = struct.Struct("<HH").unpack_from
_SCALARS: Final = {name: struct.Struct("<" + name).unpack_from for name in "?bBiIqQf"}

#: Elements handed out may exceed the bytes of the file by this factor. Vectors may be shared, but a small file must not
#: expand into a large amount of work.
_SHARING: Final = 16


class File:
    """The bytes of a FlatBuffer and the vtables read so far."""

    __slots__ = ("_budget", "_vtables", "data")

    def __init__(self, data: FileBytes) -> None:
        self.data = data
        self._budget = _SHARING * len(data) + 1024
        self._vtables: dict[int, tuple[int, ...]] = {}

    def root(self) -> Table:
        return Table(self, self.read(_U32, 0)[0])

    def read(self, unpack: _Unpack, position: int) -> tuple[Any, ...]:
        """Numbers at a position."""
        try:
            return unpack(self.data, position)
        except struct.error:
            raise ModelFormatError(f"{self._damaged()}: it points to byte {position}") from None

    def vtable(self, position: int) -> tuple[int, ...]:
        """Offset of each field within the tables that share a vtable, 0 where there is none."""
        if position not in self._vtables:
            if position < 0:
                raise ModelFormatError(f"{self._damaged()}: a table at {position}")
            size, _ = self.read(_VTABLE, position)
            fields = struct.Struct(f"<{max(size - 4, 0) // 2}H")
            self._vtables[position] = self.read(fields.unpack_from, position + 4)
        return self._vtables[position]

    def vector(self, position: int, item_size: int) -> tuple[int, int]:
        """Position of the first element and number of elements of the vector at ``position``."""
        count: int = self.read(_U32, position)[0]
        if position + 4 + count * item_size > len(self.data):
            raise ModelFormatError(f"{self._damaged()}: a vector of {count} elements at {position}")
        self._budget -= count
        if self._budget < 0:
            raise ModelFormatError("the file is damaged: its vectors overlap")
        return position + 4, count

    def _damaged(self) -> str:
        return f"the file of {len(self.data)} bytes is damaged or truncated"


class Table:
    """One table; fields are named by slot, their index in the schema."""

    __slots__ = ("_fields", "_file", "_position")

    def __init__(self, file: File, position: int) -> None:
        self._file = file
        self._position = position
        self._fields = file.vtable(position - file.read(_I32, position)[0])

    def _reference(self, slot: int) -> int | None:
        """Position that an offset field points to, None where the table leaves it out."""
        fields = self._fields
        if slot >= len(fields) or not fields[slot]:
            return None
        field = self._position + fields[slot]
        return field + int(self._file.read(_U32, field)[0])

    def scalar(self, slot: int, kind: str, default: Any) -> Any:
        """A number; ``kind`` is its struct format character."""
        fields = self._fields
        if slot >= len(fields) or not fields[slot]:
            return default
        return self._file.read(_SCALARS[kind], self._position + fields[slot])[0]

    def table(self, slot: int) -> Table | None:
        position = self._reference(slot)
        return None if position is None else Table(self._file, position)

    def array(self, slot: int, dtype: np.dtype[Any]) -> NDArray[Any] | None:
        """A vector of numbers as a view of the file."""
        position = self._reference(slot)
        if position is None:
            return None
        start, count = self._file.vector(position, dtype.itemsize)
        return np.frombuffer(self._file.data, dtype, count, start)

    def integers(self, slot: int) -> tuple[int, ...] | None:
        """A vector of int32."""
        position = self._reference(slot)
        if position is None:
            return None
        start, count = self._file.vector(position, 4)
        return struct.unpack_from(f"<{count}i", self._file.data, start)

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

"""The bytes of files as users give them: paths, bytes, binary file objects."""

from __future__ import annotations

import mmap
import os
from typing import IO, TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from intaglio.frontends import FileBytes

File = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def is_file(source: object) -> TypeGuard[File]:
    """Whether `read` takes it."""
    return isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(source, "read")


def read(source: File, *, mapped: bool = False) -> FileBytes:
    """The whole file; ``mapped`` spares the copy of one on disk, which must not change while the bytes are used."""
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            # What is empty or no regular file cannot be mapped.
            size = os.fstat(file.fileno()).st_size if mapped else 0
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else file.read()
    data = source if isinstance(source, bytes | bytearray | memoryview) else source.read()
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"source: expected a binary file, but reading it gave {type(data).__name__}")
    return bytes(data)


def folder(source: File) -> str | None:
    """Where a file on disk lies."""
    return os.path.dirname(os.path.abspath(source)) if isinstance(source, str | os.PathLike) else None

"""Formats that can be converted, told apart by their first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intaglio.errors import ModelFormatError
from intaglio.graph import Graph
from intaglio.opset import Requant

if TYPE_CHECKING:
    from mmap import mmap

    #: A file in memory, read or mapped.
    FileBytes = bytes | mmap

#: The first bytes of an `.intaglio` file.
INTAGLIO_MAGIC = b"INTAGLIO"
TFLITE_MAGIC = b"TFL3"
#: An .onnx file has no magic, but begins with its version, field 1 of the protobuf message.
ONNX_FIRST_BYTE = b"\x08"


def detect(data: FileBytes) -> str:
    """The format of a file: "intaglio", "tflite" or "onnx"."""
    if not data:
        raise ModelFormatError("the file is empty")
    if data[: len(INTAGLIO_MAGIC)] == INTAGLIO_MAGIC:
        return "intaglio"
    if data[4:8] == TFLITE_MAGIC:
        return "tflite"
    if data[:1] == ONNX_FIRST_BYTE:
        return "onnx"
    raise ModelFormatError(
        f"the file is neither .onnx, .tflite nor .intaglio: it has {len(data)} bytes and starts with {data[:8]!r}"
    )


def read(data: FileBytes, requant: Requant, folder: str | None = None) -> Graph:
    """The graph of a file in any known format, as its frontend makes it; ``folder`` is where the file lies."""
    kind = detect(data)
    if kind == "intaglio":
        return Graph.from_bytes(memoryview(data))
    if kind == "tflite":
        from intaglio.frontends import tflite

        return tflite.load(data, requant)
    from intaglio.frontends import onnx

    return onnx.load(data, requant, folder)

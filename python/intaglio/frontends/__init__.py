"""Formats that can be converted, told apart by their first bytes."""

from __future__ import annotations

from intaglio.errors import ModelFormatError
from intaglio.graph import Graph
from intaglio.opset import Requant

#: The first bytes of an `.intaglio` file.
INTAGLIO_MAGIC = b"INTAGLIO"
TFLITE_MAGIC = b"TFL3"


def detect(data: bytes) -> str:
    """The format of a file: "intaglio" or "tflite"."""
    if not data:
        raise ModelFormatError("the file is empty")
    if data.startswith(INTAGLIO_MAGIC):
        return "intaglio"
    if data[4:8] == TFLITE_MAGIC:
        return "tflite"
    raise ModelFormatError(
        f"the file is neither .tflite nor .intaglio: it has {len(data)} bytes and starts with {data[:8]!r}"
    )


def read(data: bytes, requant: Requant) -> Graph:
    """The graph of a file in any known format, as its frontend makes it."""
    if detect(data) == "intaglio":
        return Graph.from_bytes(data)
    from intaglio.frontends.tflite import load

    return load(data, requant)

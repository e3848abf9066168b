"""From a file in another format to a graph."""

from __future__ import annotations

import os
from typing import IO

from intaglio.frontends import detect, read
from intaglio.graph import Graph
from intaglio.opset import Requant
from intaglio.passes import simplify

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Graph


def convert(source: Source, *, requant: str = "float32") -> Graph:
    """The graph of a network: a path, bytes, binary file object or `Graph`; `.onnx`, `.tflite` or `.intaglio`.

    ``requant`` chooses how accumulators become int8 (docs/arithmetic.md): "float32", or "fixed" for the bits of
    TFLite's reference kernels. Graphs and `.intaglio` files already say which, and come back as they are.
    """
    modes = {mode.name.lower(): mode for mode in Requant}
    if requant not in modes:
        raise ValueError(f"requant: expected {' or '.join(map(repr, modes))}, got {requant!r}")
    if isinstance(source, Graph):
        return source
    data = _bytes_of(source)
    folder = os.path.dirname(os.path.abspath(source)) if isinstance(source, str | os.PathLike) else None
    graph = read(data, modes[requant], folder)
    return graph if detect(data) == "intaglio" else simplify(graph)


def _bytes_of(source: str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]) -> bytes:
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            return file.read()
    if not isinstance(source, bytes | bytearray | memoryview) and not hasattr(source, "read"):
        raise TypeError(f"source: expected a path, bytes, a binary file or a Graph, got {type(source).__name__}")
    data = source if isinstance(source, bytes | bytearray | memoryview) else source.read()
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"source: expected a binary file, but reading it gave {type(data).__name__}")
    return bytes(data)

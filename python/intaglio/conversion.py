"""From a file in another format to a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intaglio import sources
from intaglio.frontends import detect
from intaglio.frontends import read as read_format
from intaglio.graph import Graph
from intaglio.opset import Requant
from intaglio.passes import simplify

if TYPE_CHECKING:
    from intaglio.frontends import FileBytes

Source = sources.File | Graph

_MODES: Final = {mode.name.lower(): mode for mode in Requant}


def convert(source: Source, *, requant: str = "float32") -> Graph:
    """The graph of a network: a path, bytes, binary file object or `Graph`; `.onnx`, `.tflite` or `.intaglio`.

    ``requant`` chooses how accumulators become int8 (docs/arithmetic.md): "float32", or "fixed" for the bits of
    TFLite's reference kernels. Graphs and `.intaglio` files already say which, and come back as they are.
    """
    if requant not in _MODES:
        raise ValueError(f"requant: expected {' or '.join(map(repr, _MODES))}, got {requant!r}")
    if isinstance(source, Graph):
        return source
    if not sources.is_file(source):
        raise TypeError(f"source: expected a path, bytes, a binary file or a Graph, got {type(source).__name__}")
    return converted(sources.read(source), requant, sources.folder(source))


def converted(data: FileBytes, requant: str, folder: str | None) -> Graph:
    """The graph of a file in memory that lies in ``folder``."""
    graph = read_format(data, _MODES[requant], folder)
    return graph if detect(data) == "intaglio" else simplify(graph)

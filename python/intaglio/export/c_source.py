"""A network as C source: a header that says what it is, and an array of its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from intaglio.graph import Graph, Port

#: Of the array: that of the file's data (docs/format.md).
ALIGNMENT: Final = 64

_BYTES_PER_LINE: Final = 32


def header(graph: Graph, size: int, name: str) -> str:
    """Declares the bytes of a file of this size under this name, for C and C++."""
    from intaglio import __version__

    guard = f"{name.upper()}_H"
    ports = [("input", i, port) for i, port in enumerate(graph.inputs)]
    ports += [("output", i, port) for i, port in enumerate(graph.outputs)]
    return "\n".join(
        [
            f"/* A network for Intaglio, written by intaglio export {__version__}.",
            " *",
            *(f" * {kind} {index}: {_describe(graph, port)}" for kind, index, port in ports),
            " */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            f"#define {name.upper()}_BYTES {size}",
            *(f"#define {name.upper()}_{kind.upper()}_{i}_BYTES {_bytes(graph, port)}" for kind, i, port in ports),
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            f"/* Begins at a multiple of {ALIGNMENT}: may be borrowed. */",
            f"extern const unsigned char {name}[{name.upper()}_BYTES];",
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "#endif",
            "",
        ]
    )


def source(file: bytes, name: str) -> str:
    """Defines what `header` declares."""
    return "\n".join(
        [
            f'#include "{name}.h"',
            "",
            "#ifdef __cplusplus",
            f"alignas({ALIGNMENT})",
            "#else",
            f"_Alignas({ALIGNMENT})",
            "#endif",
            f"const unsigned char {name}[{name.upper()}_BYTES] = {{",
            *_lines(file),
            "};",
            "",
        ]
    )


def _lines(file: bytes) -> Iterator[str]:
    for start in range(0, len(file), _BYTES_PER_LINE):
        yield ",".join(map(str, file[start : start + _BYTES_PER_LINE])) + ","


def _describe(graph: Graph, port: Port) -> str:
    tensor = graph.tensors[port.tensor]
    # Names are the network's: nothing in them may end the comment or its line.
    name = "".join(c if c.isprintable() and c.isascii() else "?" for c in port.tensor).replace("*/", "*?")
    text = f"'{name}' {np.dtype(port.dtype).name}{list(tensor.shape)}"
    if tensor.scale is None:
        return text
    shift = 128 if np.dtype(port.dtype) == np.uint8 else 0
    return f"{text}, scale {tensor.scale:.9g}, zero point {tensor.zero_point + shift}"


def _bytes(graph: Graph, port: Port) -> int:
    return graph.tensors[port.tensor].nbytes  # uint8 is as large as the int8 that it shows

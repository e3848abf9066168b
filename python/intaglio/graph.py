"""The graph: a quantized network as tensors and nodes, independent of any CPU.

Layout is NHWC, activations are int8; what each op means is in docs/arithmetic.md and its attributes in `opset`.
A graph is a value: passes take one and return another, and `Graph.validate` says whether one is well formed.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from intaglio.grids import Constant, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

#: An attribute: one integer, or a fixed list of them.
AttrValue = int | tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in the graph.

    ``dtype`` is int8, int32, int64 or float32. int8 activations carry ``scale`` and ``zero_point``; constants have
    ``data`` (C-contiguous, of the tensor's dtype and shape), as it is or to be made of integers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: np.float32 | None = None
    zero_point: int = 0
    constant: Constant | None = None

    @property
    def data(self) -> NDArray[Any] | None:
        """The numbers of a constant: those that are made of integers anew at every call."""
        return None if self.constant is None else numbers(self.constant)

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Node:
    """One op applied to tensors, all by name. Names of nodes are unique within a graph."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: dict[str, AttrValue] = field(default_factory=dict)


class Port(NamedTuple):
    """An input or output of the graph: a tensor, and the dtype the caller sees (uint8 is int8 shifted by 128)."""

    tensor: str
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: tensors by name, nodes in an order in which every input is ready, ports, and a free-form recipe."""

    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    #: How the graph came to be (JSON-serialisable); stored in the file.
    metadata: dict[str, Any] = field(default_factory=dict)

    def validate(self) -> None:
        """Raise a typed error unless the graph obeys every rule of docs/arithmetic.md and docs/format.md."""
        from intaglio.validate import validate

        validate(self)

    def to_bytes(self) -> bytes:
        """The `.intaglio` file that holds this graph."""
        from intaglio.serialize.writer import whole

        return bytes(whole(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the `.intaglio` file, whole or not at all."""
        from intaglio.serialize.writer import whole

        _write(path, whole(self))

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write an .onnx file for other engines: operators between quantize and dequantize pairs (docs/onnx.md)."""
        from intaglio.export.onnx import to_bytes

        _write(path, to_bytes(self))

    def embed(self, path: str | os.PathLike[str], *, name: str | None = None, machine: str | None = None) -> list[Path]:
        """Write C source (.c) or an object file (.o) and its header, to link into a program; the files written.

        ``name`` is that of the array and the header (default: the name of the file). ``machine`` is what an object file
        is for, as `uname -m` has it (default: this machine). docs/embedding.md shows the program.
        """
        from intaglio.export.embed import embed

        return embed(self, path, name, machine)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Graph:
        """Read an `.intaglio` file held in memory; constants are read-only views of it."""
        from intaglio.serialize.reader import from_bytes

        return from_bytes(data)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Graph:
        """Read an `.intaglio` file."""
        with open(path, "rb") as file:
            return cls.from_bytes(file.read())

    def summary(self) -> str:
        """A table of nodes with output shapes, multiply-accumulates and parameter bytes, for people."""
        from intaglio.summary import summary

        return summary(self)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        """The tensors behind the input ports."""
        return tuple(self.tensors[port.tensor] for port in self.inputs)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        """The tensors behind the output ports."""
        return tuple(self.tensors[port.tensor] for port in self.outputs)


def _write(path: str | os.PathLike[str], data: bytes | bytearray) -> None:
    """A file, whole or not at all."""
    # Imported where it is used: loading a network from another format needs none of it.
    from pathlib import Path

    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        folder = "" if target.parent.is_dir() else f": there is no folder '{target.parent}'"
        raise OSError(error.errno, f"{error.strerror}{folder}", os.fspath(path)) from None
    finally:
        partial.unlink(missing_ok=True)

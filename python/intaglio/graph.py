"""The graph: a quantized network as tensors and nodes, independent of any CPU.

Layout is NHWC, activations are int8; what each op means is in docs/arithmetic.md and its attributes in `opset`.
A graph is a value: passes take one and return another, and `Graph.validate` says whether one is well formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import os

#: An attribute: one integer, or a fixed list of them.
AttrValue = int | tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value in the graph.

    ``dtype`` is int8, int32, int64 or float32. int8 activations carry ``scale`` and ``zero_point``; constants carry
    ``data`` (C-contiguous, of the tensor's dtype and shape).
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: np.float32 | None = None
    zero_point: int = 0
    data: NDArray[Any] | None = None


@dataclass(frozen=True)
class Node:
    """One op applied to tensors, all by name. Names of nodes are unique within a graph."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: dict[str, AttrValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Port:
    """An input or output of the graph: a tensor, and the dtype the caller sees (uint8 is int8 shifted by 128)."""

    tensor: str
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Graph:
    """A network: tensors by name, nodes in an order in which every input is ready, ports, and a free-form recipe."""

    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    #: How the graph came to be (JSON-serialisable); stored in the file.
    metadata: dict[str, Any] = field(default_factory=dict)

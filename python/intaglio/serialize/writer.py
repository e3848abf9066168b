"""Writing the `.intaglio` file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from intaglio.errors import GraphError
from intaglio.graph import Graph, Node
from intaglio.liveness import peak_bytes
from intaglio.opset import BY_NAME, OPSET_VERSION
from intaglio.serialize.layout import (
    ELEMENT_CODES,
    FORMAT_VERSION,
    HEADER,
    INTEGER,
    MAGIC,
    NODE,
    PORT,
    SECTIONS,
    TENSOR,
    aligned,
    checksums,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Pool:
    """Lists laid end to end: integers or bytes."""

    def __init__(self) -> None:
        self.integers: list[int] = []
        self.strings = bytearray()

    def add_integers(self, values: Iterable[int]) -> tuple[int, int]:
        start = len(self.integers)
        self.integers.extend(values)
        return start, len(self.integers) - start

    def add_string(self, text: str) -> tuple[int, int]:
        start = len(self.strings)
        try:
            self.strings += text.encode()
        except UnicodeEncodeError:
            raise GraphError(f"{text!r}: expected text that UTF-8 can hold, got a lone surrogate") from None
        return start, len(self.strings) - start


def whole(graph: Graph) -> bytearray:
    """The file that holds ``graph``, which is validated first."""
    graph.validate()
    constants = _constants(graph)
    starts, end = [], 0
    for constant in constants:
        starts.append(aligned(end))
        end = starts[-1] + constant.nbytes
    file, data = _file(graph, _json(graph.metadata), starts, end)
    view = memoryview(file)
    for start, constant in zip(starts, constants, strict=True):
        view[data + start : data + start + constant.nbytes] = constant.data.cast("B")
    _sign(file)
    return file


def separate(graph: Graph) -> tuple[bytearray, list[NDArray[Any]]]:
    """A file with an empty data section and no metadata, and the constants where they lie: what the engine also takes.

    For a graph that is known to be well formed, or that a reader is about to verify.
    """
    constants = _constants(graph)
    file, _ = _file(graph, "{}", [0] * len(constants), 0)
    _sign(file)
    return file, constants


def _constants(graph: Graph) -> list[NDArray[Any]]:
    """What the data section holds, in order."""
    arrays = (tensor.data for tensor in graph.tensors.values() if tensor.nbytes)
    return [data.astype(data.dtype.newbyteorder("<"), copy=False) for data in arrays if data is not None]


def _file(graph: Graph, metadata: str, starts: Sequence[int], data_size: int) -> tuple[bytearray, int]:
    """The file but for data and checksums, and where its data section begins, in which constants have ``starts``."""
    pool = _Pool()
    tensors = _tensors(graph, pool, iter(starts))
    indices = {name: i for i, name in enumerate(graph.tensors)}
    nodes = _nodes(graph, pool, indices)
    ports = [(indices[port.tensor], ELEMENT_CODES[port.dtype], b"") for port in (*graph.inputs, *graph.outputs)]
    header = np.zeros((), HEADER)
    header["magic"], header["format_version"], header["opset_version"] = MAGIC, FORMAT_VERSION, OPSET_VERSION
    header["metadata"] = pool.add_string(metadata)
    header["tensor_count"], header["node_count"] = len(tensors), len(nodes)
    header["input_count"], header["output_count"] = len(graph.inputs), len(graph.outputs)
    header["peak_bytes"] = peak_bytes(graph)
    arrays = (tensors, nodes, np.array(ports, PORT), np.array(pool.integers, INTEGER))
    sections = (*(array.tobytes() for array in arrays), bytes(pool.strings))
    end = HEADER.itemsize
    for name, size in zip(SECTIONS, (*(len(section) for section in sections), data_size), strict=True):
        header[name] = (end, size)
        end = aligned(end + size)
    header["file_size"] = end
    file = bytearray(end)
    file[: HEADER.itemsize] = header.tobytes()
    for name, section in zip(SECTIONS, sections, strict=False):
        offset = int(header[name]["offset"])
        file[offset : offset + len(section)] = section
    return file, int(header[SECTIONS[-1]]["offset"])


def _tensors(graph: Graph, pool: _Pool, starts: Iterator[int]) -> NDArray[np.void]:
    records = []
    for tensor in graph.tensors.values():
        name, (dims, rank) = pool.add_string(tensor.name), pool.add_integers(tensor.shape)
        quantized, scale = (0, 0.0) if tensor.scale is None else (1, tensor.scale)
        constant, size = tensor.constant is not None, 0 if tensor.constant is None else tensor.nbytes
        element, start = ELEMENT_CODES[tensor.dtype], next(starts) if size else 0
        records.append((name, element, rank, quantized, constant, tensor.zero_point, scale, dims, start, size, b""))
    return np.array(records, TENSOR)


def _nodes(graph: Graph, pool: _Pool, indices: dict[str, int]) -> NDArray[np.void]:
    names = [pool.add_string(node.name) for node in graph.nodes]
    records = []
    for node, name in zip(graph.nodes, names, strict=True):
        inputs, outputs = (pool.add_integers([indices[n] for n in names]) for names in (node.inputs, node.outputs))
        records.append((BY_NAME[node.op].code, name, inputs, outputs, pool.add_integers(_flat_attrs(node)), b""))
    return np.array(records, NODE)


def _json(metadata: dict[str, Any]) -> str:
    import json

    try:
        return json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise GraphError(f"metadata: expected what JSON can hold, got: {error}") from None


def _flat_attrs(node: Node) -> list[int]:
    values = (node.attrs[attr.name] for attr in BY_NAME[node.op].attrs)
    return [n for value in values for n in (value if isinstance(value, tuple) else (value,))]


def _sign(file: bytearray) -> None:
    """Fills in the checksums."""
    header = np.frombuffer(file, HEADER, 1)[0]
    header["body_checksum_a"], header["body_checksum_b"] = checksums(memoryview(file)[HEADER.itemsize :])
    header["header_checksum"], _ = checksums(header.tobytes())

"""Writing the `.intaglio` file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def to_bytes(graph: Graph) -> bytes:
    """The file that holds ``graph``, which is validated first."""
    graph.validate()
    return bytes(write(graph))


def write(graph: Graph) -> bytearray:
    """The same for a graph that is known to be well formed, or that a reader is about to verify."""
    pool = _Pool()
    indices = {name: i for i, name in enumerate(graph.tensors)}
    tensors, constants = _tensors(graph, pool)
    nodes = np.zeros(len(graph.nodes), NODE)
    names = [pool.add_string(node.name) for node in graph.nodes]
    for record, node, name in zip(nodes, graph.nodes, names, strict=True):
        record["op"], record["name"] = BY_NAME[node.op].code, name
        record["inputs"] = pool.add_integers(indices[n] for n in node.inputs)
        record["outputs"] = pool.add_integers(indices[n] for n in node.outputs)
        record["attrs"] = pool.add_integers(_flat_attrs(node))
    ports = np.zeros(len(graph.inputs) + len(graph.outputs), PORT)
    for record, port in zip(ports, (*graph.inputs, *graph.outputs), strict=True):
        record["tensor"], record["element"] = indices[port.tensor], ELEMENT_CODES[port.dtype]
    header = np.zeros((), HEADER)
    header["metadata"] = pool.add_string(_json(graph.metadata))
    header["tensor_count"], header["node_count"] = len(tensors), len(nodes)
    header["input_count"], header["output_count"] = len(graph.inputs), len(graph.outputs)
    header["peak_bytes"] = peak_bytes(graph)
    integers = np.array(pool.integers, INTEGER)
    sections = (tensors.tobytes(), nodes.tobytes(), ports.tobytes(), integers.tobytes(), bytes(pool.strings))
    return _assemble(header, sections, constants)


def _tensors(graph: Graph, pool: _Pool) -> tuple[NDArray[np.void], list[NDArray[Any]]]:
    """Tensor records, and the constants that lie in the data section, each at the next multiple of the alignment."""
    records = np.zeros(len(graph.tensors), TENSOR)
    constants: list[NDArray[Any]] = []
    end = 0
    for record, tensor in zip(records, graph.tensors.values(), strict=True):
        record["name"] = pool.add_string(tensor.name)
        record["element"], record["rank"] = ELEMENT_CODES[tensor.dtype], len(tensor.shape)
        record["dims"], _ = pool.add_integers(tensor.shape)
        if tensor.scale is not None:
            record["quantized"], record["zero_point"], record["scale"] = 1, tensor.zero_point, tensor.scale
        if tensor.data is not None:
            record["constant"] = 1
            if tensor.nbytes:
                record["data_offset"], record["data_size"] = aligned(end), tensor.nbytes
                end = aligned(end) + tensor.nbytes
                constants.append(tensor.data.astype(tensor.dtype.newbyteorder("<"), copy=False))
    return records, constants


def _json(metadata: dict[str, Any]) -> str:
    try:
        return json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise GraphError(f"metadata: expected what JSON can hold, got: {error}") from None


def _flat_attrs(node: Node) -> list[int]:
    values = (node.attrs[attr.name] for attr in BY_NAME[node.op].attrs)
    return [n for value in values for n in (value if isinstance(value, tuple) else (value,))]


def _assemble(header: NDArray[np.void], sections: Sequence[bytes], constants: Sequence[NDArray[Any]]) -> bytearray:
    """Place sections and constants, then fill in offsets and checksums. The constants are copied once."""
    starts = [0]
    for constant in constants:
        starts.append(aligned(starts[-1]) + constant.nbytes)
    sizes = [*(len(section) for section in sections), starts[-1]]
    end = HEADER.itemsize
    for name, size in zip(SECTIONS, sizes, strict=True):
        header[name] = (end, size)
        end = aligned(end + size)
    file = bytearray(end)
    view = memoryview(file)
    for name, section in zip(SECTIONS, sections, strict=False):
        offset = int(header[name]["offset"])
        view[offset : offset + len(section)] = section
    data = int(header[SECTIONS[-1]]["offset"])
    for start, constant in zip(starts, constants, strict=False):
        offset = data + aligned(start)
        view[offset : offset + constant.nbytes] = constant.data.cast("B")
    header["magic"], header["format_version"], header["opset_version"] = MAGIC, FORMAT_VERSION, OPSET_VERSION
    header["file_size"] = end
    header["body_checksum_a"], header["body_checksum_b"] = checksums(view[HEADER.itemsize :])
    header["header_checksum"], _ = checksums(header.tobytes())
    view[: HEADER.itemsize] = header.tobytes()
    return file

"""Reading the `.intaglio` file. Any byte string is safe: what docs/format.md does not allow is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import Error, ModelFormatError
from intaglio.graph import AttrValue, Graph, Node, Port, Tensor
from intaglio.liveness import peak_bytes
from intaglio.opset import BY_CODE, OPSET_VERSION, Op
from intaglio.serialize.layout import (
    ELEMENTS,
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


def from_bytes(data: bytes | bytearray | memoryview) -> Graph:
    """Read and verify a whole file."""
    return _Reader(memoryview(data).toreadonly().cast("B")).graph()


def _fail(what: str, expected: object, got: object) -> NoReturn:
    raise ModelFormatError(f"{what}: expected {expected}, got {got}")


def _want(holds: bool, what: str, expected: object, got: object) -> None:
    if not holds:
        _fail(what, expected, got)


class _Reader:
    """The file, its header and sections, and how far into integers, strings and data the lists have come."""

    def __init__(self, file: memoryview) -> None:
        self.file = file
        self.header = _header(file)
        self.sections = self._sections()
        self.integers = np.frombuffer(self._table("integers", INTEGER), INTEGER)
        self.next_integer = self.next_string = self.next_data = 0

    def graph(self) -> Graph:
        header = self.header
        records = np.frombuffer(self._table("tensors", TENSOR, header["tensor_count"]), TENSOR)
        tensors = [self._tensor(i, record) for i, record in enumerate(records)]
        names = [tensor.name for tensor in tensors]
        _want(len(set(names)) == len(names), "tensor names", "unique", "a name twice")
        records = np.frombuffer(self._table("nodes", NODE, header["node_count"]), NODE)
        nodes = tuple(self._node(i, record, names) for i, record in enumerate(records))
        metadata = self._metadata()
        ports = self._ports(names)
        _want(self.next_integer == len(self.integers), "integers used", len(self.integers), self.next_integer)
        size = len(self.sections["strings"])
        _want(self.next_string == size, "string bytes used", size, self.next_string)
        size = len(self.sections["data"])
        _want(self.next_data == size, "data bytes used", size, self.next_data)
        inputs = int(header["input_count"])
        graph = Graph({t.name: t for t in tensors}, nodes, ports[:inputs], ports[inputs:], metadata)
        try:
            graph.validate()
        except Error as error:
            raise ModelFormatError(f"the file's graph is not valid: {error}") from error
        _want(int(header["peak_bytes"]) == peak_bytes(graph), "peak", peak_bytes(graph), header["peak_bytes"])
        return graph

    def _sections(self) -> dict[str, memoryview]:
        """Sections in order, aligned, without gaps but zero bytes, up to the end of the file."""
        sections, end = {}, HEADER.itemsize
        for name in SECTIONS:
            offset, size = (int(v) for v in self.header[name])
            _want(offset == end, f"offset of section '{name}'", end, offset)
            _want(offset + size <= len(self.file), f"end of section '{name}'", "inside the file", offset + size)
            end = aligned(offset + size)
            sections[name] = self.file[offset : offset + size]
            self._want_zero(offset + size, end, f"bytes after section '{name}'")
        _want(end == len(self.file), "end of the last section", len(self.file), end)
        return sections

    def _want_zero(self, start: int, end: int, what: str) -> None:
        _want(not any(self.file[start:end]), what, "zero", "other bytes")

    def _table(self, name: str, record: np.dtype[Any], count: int | None = None) -> memoryview:
        section = self.sections[name]
        if count is None:
            _want(
                len(section) % record.itemsize == 0,
                f"size of section '{name}'",
                f"a multiple of {record.itemsize}",
                len(section),
            )
        else:
            _want(
                len(section) == int(count) * record.itemsize,
                f"size of section '{name}'",
                int(count) * record.itemsize,
                len(section),
            )
        return section

    def _take_integers(self, start: int, count: int, what: str) -> tuple[int, ...]:
        _want(start == self.next_integer, f"{what}: index in integers", self.next_integer, start)
        self.next_integer += count
        _want(
            self.next_integer <= len(self.integers),
            f"{what}: end in integers",
            f"at most {len(self.integers)}",
            self.next_integer,
        )
        return tuple(self.integers[start : start + count].tolist())

    def _take_string(self, span: np.void, what: str) -> str:
        start, count = int(span["offset"]), int(span["count"])
        strings = self.sections["strings"]
        _want(start == self.next_string, f"{what}: offset in strings", self.next_string, start)
        self.next_string += count
        _want(self.next_string <= len(strings), f"{what}: end in strings", f"at most {len(strings)}", self.next_string)
        try:
            return str(strings[start : start + count], "utf-8")
        except UnicodeDecodeError as error:
            _fail(what, "UTF-8", error.reason)

    def _tensor(self, index: int, record: np.void) -> Tensor:
        what = f"tensor {index}"
        name = self._take_string(record["name"], f"{what}: name")
        element = int(record["element"])
        _want(element in ELEMENTS and element != 2, f"{what}: element type", "1, 3, 4 or 5", element)
        for flag in ("quantized", "constant"):
            _want(record[flag] <= 1, f"{what}: {flag}", "0 or 1", record[flag])
        _want(record["rank"] <= 8, f"{what}: rank", "at most 8", record["rank"])
        _want(not any(record["zero"].tobytes()), f"{what}: reserved bytes", "zero", "others")
        shape = self._take_integers(int(record["dims"]), int(record["rank"]), f"{what}: dims")
        scale, zero_point = np.float32(record["scale"]), int(record["zero_point"])
        quantized = bool(record["quantized"])
        unused = not quantized and (zero_point, record["scale"].tobytes()) != (0, bytes(4))
        _want(not unused, f"{what}: scale and zero point of a tensor that is not quantized", 0, (scale, zero_point))
        dtype = ELEMENTS[element]
        data = self._data(what, record, shape, dtype)
        return Tensor(name, shape, dtype, scale if quantized else None, zero_point, data)

    def _data(self, what: str, record: np.void, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any] | None:
        offset, size = int(record["data_offset"]), int(record["data_size"])
        if not record["constant"]:
            _want((offset, size) == (0, 0), f"{what}: data of a tensor that is not constant", (0, 0), (offset, size))
            return None
        count = 1
        for n in shape:
            _want(0 <= n < 2**31, f"{what}: dim", "0 to 2^31 - 1", n)
            count *= n
        _want(size == count * dtype.itemsize, f"{what}: data size", count * dtype.itemsize, size)
        start = aligned(self.next_data) if size else 0
        _want(offset == start, f"{what}: data offset", start, offset)
        section = self.sections["data"]
        _want(offset + size <= len(section), f"{what}: end of data", f"at most {len(section)}", offset + size)
        if size:
            base = int(self.header["data"]["offset"])
            self._want_zero(base + self.next_data, base + start, f"bytes before the data of {what}")
            self.next_data = offset + size
        return (
            np.frombuffer(section[offset : offset + size], dtype.newbyteorder("<"))
            .astype(dtype, copy=False)
            .reshape(shape)
        )

    def _node(self, index: int, record: np.void, names: list[str]) -> Node:
        what = f"node {index}"
        code = int(record["op"])
        _want(code in BY_CODE, f"{what}: op code", "one of the op set", code)
        name = self._take_string(record["name"], f"{what}: name")
        lists = []
        for kind in ("inputs", "outputs"):
            span = record[kind]
            lists.append(self._take_integers(int(span["offset"]), int(span["count"]), f"{what}: {kind}"))
            known = all(0 <= i < len(names) for i in lists[-1])
            _want(known, f"{what}: {kind}", f"tensors 0 to {len(names) - 1}", lists[-1])
        span = record["attrs"]
        attrs = self._take_integers(int(span["offset"]), int(span["count"]), f"{what}: attributes")
        _want(not any(record["zero"].tobytes()), f"{what}: reserved bytes", "zero", "others")
        inputs, outputs = (tuple(names[i] for i in indices) for indices in lists)
        return Node(BY_CODE[code].name, name, inputs, outputs, _attrs(what, BY_CODE[code], attrs))

    def _ports(self, names: list[str]) -> tuple[Port, ...]:
        count = int(self.header["input_count"]) + int(self.header["output_count"])
        ports = []
        for i, record in enumerate(np.frombuffer(self._table("ports", PORT, count), PORT)):
            tensor, element = int(record["tensor"]), int(record["element"])
            _want(tensor < len(names), f"port {i}: tensor", f"below {len(names)}", tensor)
            _want(element in ELEMENTS, f"port {i}: element type", "1 to 5", element)
            _want(not any(record["zero"].tobytes()), f"port {i}: reserved bytes", "zero", "others")
            ports.append(Port(names[tensor], ELEMENTS[element]))
        return tuple(ports)

    def _metadata(self) -> dict[str, Any]:
        text = self._take_string(self.header["metadata"], "metadata")
        try:
            metadata = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            _fail("metadata", "JSON", error)
        if not isinstance(metadata, dict):
            _fail("metadata", "a JSON object", type(metadata).__name__)
        return metadata


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _header(file: memoryview) -> np.void:
    """The header, its own fields verified."""
    if len(file) < HEADER.itemsize:
        _fail("file", f"at least {HEADER.itemsize} bytes", f"{len(file)} bytes")
    _want(bytes(file[:8]) == MAGIC, "magic", MAGIC, bytes(file[:8]))
    header: np.void = np.frombuffer(file[: HEADER.itemsize], HEADER)[0]
    version = int(header["format_version"])
    _want(
        version == FORMAT_VERSION, "format version", f"{FORMAT_VERSION} (this package is too old or too new)", version
    )
    blank = header.copy()
    blank["header_checksum"] = 0
    computed, _ = checksums(blank.tobytes())
    _want(int(header["header_checksum"]) == computed, "header checksum", computed, header["header_checksum"])
    _want(int(header["opset_version"]) == OPSET_VERSION, "op-set version", OPSET_VERSION, header["opset_version"])
    _want(int(header["file_size"]) == len(file), "file size", header["file_size"], len(file))
    _want(len(file) % 64 == 0, "file size", "a multiple of 64", len(file))
    _want(not any(header["zero"].tobytes()), "reserved bytes of the header", "zero", "others")
    stored = (int(header["body_checksum_a"]), int(header["body_checksum_b"]))
    computed_body = checksums(file[HEADER.itemsize :])
    _want(stored == computed_body, "body checksums", computed_body, stored)
    return header


def _attrs(what: str, op: Op, values: tuple[int, ...]) -> dict[str, AttrValue]:
    """Split a node's integers by the op's attributes; at most one attribute takes what the others leave."""
    fixed = sum(attr.length or 0 for attr in op.attrs)
    rest = len(values) - fixed
    open_ended = any(attr.length is None for attr in op.attrs)
    _want(rest >= 0 if open_ended else rest == 0, f"{what} ({op.name}): attribute integers", fixed, len(values))
    attrs: dict[str, AttrValue] = {}
    start = 0
    for attr in op.attrs:
        length = rest if attr.length is None else attr.length
        taken = values[start : start + length]
        attrs[attr.name] = taken[0] if attr.length == 1 else taken
        start += length
    return attrs

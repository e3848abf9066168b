"""The `.intaglio` file: round trips, the documented example, and refusal of every kind of damage."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs, random_graph

from intaglio.builder import Builder
from intaglio.errors import Error, GraphError, ModelFormatError
from intaglio.graph import Graph
from intaglio.opset import BY_NAME
from intaglio.serialize.layout import HEADER, NODE, PORT, SECTIONS, TENSOR, checksums


def network() -> Graph:
    """A graph with every kind of record: two inputs, constants of several types, lists of any length, metadata."""
    b = Builder(metadata={"source": "ünït", "nested": {"list": [1, 2.5, None]}})
    x = b.input("x", (1, 4, 4, 2), 0.1, 200, "uint8")
    weights = np.arange(36, dtype=np.int8).reshape(2, 3, 3, 2)
    y = b.conv2d(x, weights, [0.1, 0.2], [5, -5], 0.5, 3, padding="same", name="conv")
    total = b.add(y, b.constant(np.int8([1, 2]), 0.25, -3, name="offset"), 0.7, 0)
    empty = b.constant(np.zeros((1, 0, 4, 2), np.int8), 0.7, 0)
    b.output(b.concat([total, empty], 1), "uint8")
    b.output(b.quantize(b.input("f", (3,), dtype="float32"), 0.5, 1))
    return b.build()


def same(a: Graph, b: Graph) -> None:
    assert (a.nodes, a.inputs, a.outputs, a.metadata) == (b.nodes, b.inputs, b.outputs, b.metadata)
    assert list(a.tensors) == list(b.tensors)
    for left, right in zip(a.tensors.values(), b.tensors.values(), strict=True):
        assert (left.name, left.shape, left.dtype) == (right.name, right.shape, right.dtype)
        assert (left.scale, left.zero_point) == (right.scale, right.zero_point)
        assert (left.data is None) == (right.data is None)
        if left.data is not None:
            np.testing.assert_array_equal(left.data, right.data, strict=True)


def resealed(file: bytes | bytearray) -> bytes:
    """The file with checksums that fit its contents, so that damage reaches the checks behind them."""
    header = np.frombuffer(bytes(file[: HEADER.itemsize]), HEADER)[0].copy()
    if len(file) % 8 == 0:
        header["body_checksum_a"], header["body_checksum_b"] = checksums(bytes(file[HEADER.itemsize :]))
    header["header_checksum"] = 0
    header["header_checksum"], _ = checksums(header.tobytes())
    return header.tobytes() + bytes(file[HEADER.itemsize :])


def changed(file: bytes, field: str, value: Any) -> bytes:
    """The file with one header field set, and sealed again."""
    header = np.frombuffer(file[: HEADER.itemsize], HEADER)[0].copy()
    header[field] = value
    return resealed(header.tobytes() + file[HEADER.itemsize :])


def record(file: bytes, section: str, index: int, dtype: np.dtype[Any], change: Callable[[np.void], None]) -> bytes:
    """The file with one table record changed, and sealed again."""
    start = int(np.frombuffer(file[: HEADER.itemsize], HEADER)[0][section]["offset"]) + index * dtype.itemsize
    item = np.frombuffer(file[start : start + dtype.itemsize], dtype)[0].copy()
    change(item)
    return resealed(file[:start] + item.tobytes() + file[start + dtype.itemsize :])


@given(graphs())
def test_round_trip(case: tuple[Graph, Any]) -> None:
    graph, _ = case
    file = graph.to_bytes()
    same(graph, Graph.from_bytes(file))
    assert Graph.from_bytes(file).to_bytes() == file


def test_round_trip_through_a_path(tmp_path: Path) -> None:
    graph = network()
    graph.save(tmp_path / "net.intaglio")
    same(graph, Graph.load(tmp_path / "net.intaglio"))
    assert [p.name for p in tmp_path.iterdir()] == ["net.intaglio"]


def test_a_save_that_fails_names_the_path_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder '.*absent'") as caught:
        network().save(tmp_path / "absent" / "net.intaglio")
    assert caught.value.filename == str(tmp_path / "absent" / "net.intaglio")
    with pytest.raises(IsADirectoryError) as occupied:
        network().save(tmp_path)
    assert occupied.value.filename == str(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "net.intaglio"
    network().save(path)
    before = path.read_bytes()
    with pytest.raises(GraphError, match="metadata"):
        Graph({}, (), (), (), {"set": {1}}).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.intaglio"]


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_any_buffer_is_read(wrap: Callable[[bytes], Any]) -> None:
    same(network(), Graph.from_bytes(wrap(network().to_bytes())))


def test_constants_are_read_only_and_aligned_in_the_file() -> None:
    file = network().to_bytes()
    graph = Graph.from_bytes(file)
    start = np.frombuffer(file, np.uint8).ctypes.data
    for tensor in graph.tensors.values():
        if tensor.data is not None and tensor.data.size:
            assert not tensor.data.flags.writeable
            assert (tensor.data.ctypes.data - start) % 64 == 0


def test_the_empty_graph_round_trips() -> None:
    same(Graph({}, (), (), ()), Graph.from_bytes(Graph({}, (), (), ()).to_bytes()))


def test_the_documented_example_is_what_the_writer_writes(root: Path) -> None:
    text = (root / "docs" / "format.md").read_text()
    lines = text.split("## Example")[1].split("```")[1].splitlines()
    b = Builder()
    b.output(b.dequantize(b.input("x", (1, 3), 0.5, 7, "uint8"), name="y"))
    documented = bytearray(len(b.build().to_bytes()))
    for line in lines:
        if re.match(r"[0-9a-f]{4}  ", line):
            offset = int(line[:4], 16)
            documented[offset : offset + 16] = bytes.fromhex(line[4:])
    assert bytes(documented) == b.build().to_bytes()


def test_peak_counts_what_is_alive_together() -> None:
    b = Builder()
    x = b.input("x", (1, 100), 1.0, 0)
    kept = b.unary("relu", x, 1.0, 0)
    short = b.slice(kept, (0, 0), (1, 10))
    b.output(b.concat([short, kept], 1))
    header = np.frombuffer(b.build().to_bytes()[: HEADER.itemsize], HEADER)[0]
    # At the concatenation: 10 + 100 in, 110 out.
    assert header["peak_bytes"] == 220


HEADER_FIELDS: list[tuple[str, Any, str]] = [
    ("magic", b"INTAGLIX", "magic"),
    ("format_version", 2, "format version: expected 1 .*, got 2"),
    ("opset_version", 2, "op-set version: expected 1, got 2"),
    ("file_size", 64, "file size"),
    ("tensor_count", 2**32 - 1, "size of section 'tensors'"),
    ("node_count", 0, "size of section 'nodes'"),
    ("input_count", 7, "size of section 'ports'"),
    ("output_count", 7, "size of section 'ports'"),
    ("metadata", (0, 5), "metadata: offset in strings"),
    ("metadata", (2**32 - 1, 2**32 - 1), "metadata: offset in strings"),
    ("peak_bytes", 1, "peak"),
    ("zero", b"\1" * 16, "reserved bytes of the header"),
    *((name, (64, 64), f"offset of section '{name}'") for name in SECTIONS),
    *((name, (2**64 - 64, 64), f"offset of section '{name}'") for name in SECTIONS),
]


@pytest.mark.parametrize(("field", "value", "message"), HEADER_FIELDS)
def test_each_header_field_is_checked(field: str, value: Any, message: str) -> None:
    with pytest.raises(ModelFormatError, match=message):
        Graph.from_bytes(changed(network().to_bytes(), field, value))


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("size", [0, 1, 2**40, 2**64 - 1])
def test_each_section_size_is_checked(section: str, size: int) -> None:
    file = network().to_bytes()
    offset = np.frombuffer(file[: HEADER.itemsize], HEADER)[0][section]["offset"]
    with pytest.raises(ModelFormatError, match=r"section|integers|strings|data|UTF-8|name|metadata"):
        Graph.from_bytes(changed(file, section, (offset, size)))


@pytest.mark.parametrize("field", ["header_checksum", "body_checksum_a", "body_checksum_b"])
def test_checksums_are_checked(field: str) -> None:
    file = bytearray(network().to_bytes())
    file[HEADER.fields[field][1]] ^= 1
    with pytest.raises(ModelFormatError, match="header checksum"):
        Graph.from_bytes(file)


TENSOR_FIELDS: list[tuple[str, Any]] = [
    ("name", (1, 1)),
    ("name", (0, 2**32 - 1)),
    ("element", 0),
    ("element", 2),
    ("element", 6),
    ("rank", 9),
    ("rank", 3),
    ("quantized", 2),
    ("quantized", 0),
    ("constant", 2),
    ("constant", 1),
    ("zero_point", 128),
    ("zero_point", -129),
    ("scale", 0.0),
    ("scale", -1.0),
    ("scale", np.nan),
    ("scale", np.inf),
    ("scale", 1e-40),
    ("dims", 1),
    ("dims", 2**32 - 1),
    ("data_offset", 64),
    ("data_size", 1),
    ("zero", b"\1" * 24),
]


@pytest.mark.parametrize(("field", "value"), TENSOR_FIELDS)
def test_each_tensor_field_is_checked(field: str, value: Any) -> None:
    def change(item: np.void) -> None:
        item[field] = value

    with pytest.raises(ModelFormatError):
        Graph.from_bytes(record(network().to_bytes(), "tensors", 0, TENSOR, change))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("op", 0),
        ("op", 2**32 - 1),
        ("name", (0, 4)),
        ("inputs", (0, 5)),
        ("inputs", (22, 2**32 - 1)),
        ("outputs", (0, 1)),
        ("attrs", (0, 0)),
        ("zero", b"\1" * 12),
    ],
)
def test_each_node_field_is_checked(field: str, value: Any) -> None:
    def change(item: np.void) -> None:
        item[field] = value

    with pytest.raises(ModelFormatError, match="node 0"):
        Graph.from_bytes(record(network().to_bytes(), "nodes", 0, NODE, change))


@pytest.mark.parametrize(
    ("field", "value"), [("tensor", 1), ("tensor", 2**32 - 1), ("element", 0), ("element", 5), ("zero", b"\1" * 8)]
)
def test_each_port_field_is_checked(field: str, value: Any) -> None:
    def change(item: np.void) -> None:
        item[field] = value

    with pytest.raises(ModelFormatError):
        Graph.from_bytes(record(network().to_bytes(), "ports", 0, PORT, change))


def test_truncation_anywhere_is_refused() -> None:
    file = network().to_bytes()
    header = np.frombuffer(file[: HEADER.itemsize], HEADER)[0]
    ends = {int(header[s]["offset"]) for s in SECTIONS} | {int(sum(header[s].tolist())) for s in SECTIONS}
    for length in sorted(set(range(0, len(file), 64)) | ends | {n - 1 for n in ends} | {1, 7, 191}):
        if length < len(file):
            with pytest.raises(ModelFormatError):
                Graph.from_bytes(file[:length])
            if length >= HEADER.itemsize:
                with pytest.raises(ModelFormatError):
                    Graph.from_bytes(changed(file[:length], "file_size", length))


@pytest.mark.parametrize("file", [b"", b"INTAGLIO", b"\0" * 4096, b"TFL3" * 100, b"PK\3\4" + bytes(300)])
def test_foreign_files_are_refused(file: bytes) -> None:
    with pytest.raises(ModelFormatError, match=r"file: expected at least 192 bytes|magic"):
        Graph.from_bytes(file)


def test_bytes_between_sections_must_be_zero() -> None:
    file = bytearray(network().to_bytes())
    header = np.frombuffer(bytes(file[: HEADER.itemsize]), HEADER)[0]
    for section in ("ports", "strings", "data"):
        end = int(sum(header[section].tolist()))
        if end % 64:
            damaged = file.copy()
            damaged[end] = 1
            with pytest.raises(ModelFormatError, match=f"bytes after section '{section}': expected zero"):
                Graph.from_bytes(resealed(damaged))


@given(st.data())
def test_a_changed_word_is_refused_or_gives_a_valid_graph(data: st.DataObject) -> None:
    file = bytearray(network().to_bytes())
    position = data.draw(st.integers(0, len(file) // 4 - 1)) * 4
    file[position : position + 4] = data.draw(st.binary(min_size=4, max_size=4))
    try:
        graph = Graph.from_bytes(resealed(file))
    except Error as error:
        assert isinstance(error, ModelFormatError)
    else:
        graph.validate()


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"[]", "JSON object"), (b"{", "JSON"), (b'{"a":NaN}', "JSON"), (b"\xff{}", "UTF-8"), (b"[" * 9999, "JSON")],
)
def test_metadata_is_a_json_object(text: bytes, message: str) -> None:
    b = Builder(metadata={"x": "y" * (len(text) - 9)} if len(text) > 9 else {})
    file = b.build().to_bytes()
    header = np.frombuffer(file[: HEADER.itemsize], HEADER)[0].copy()
    start = int(header["strings"]["offset"])
    body = text + bytes(-len(text) % 64)
    header["strings"]["size"] = header["metadata"]["count"] = len(text)
    header["data"]["offset"] = header["file_size"] = start + len(body)
    with pytest.raises(ModelFormatError, match=message):
        Graph.from_bytes(resealed(header.tobytes() + file[HEADER.itemsize : start] + body))


def test_names_that_utf8_cannot_hold() -> None:
    b = Builder()
    b.output(b.input("\ud800", (1,), 1.0, 0))
    with pytest.raises(GraphError, match="UTF-8"):
        b.build().to_bytes()


@pytest.mark.parametrize("op", sorted(BY_NAME))
def test_attributes_of_every_op_come_back(op: str) -> None:
    graph = random_graph(op, np.random.default_rng(5))
    assert Graph.from_bytes(graph.to_bytes()).nodes == graph.nodes

"""The reader of .onnx files: what it finds is what the package `onnx` finds, and what is wrong is an error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnx
from node_cases import OPS, all_cases
from onnx import TensorProto, helper, numpy_helper
from onnx_networks import network, node, weights

from intaglio import errors
from intaglio.frontends.onnx import schema
from intaglio.frontends.onnx.model import Model, parse
from intaglio.frontends.onnx.protobuf import Message
from intaglio.frontends.onnx.tensors import to_array


def message(data: bytes) -> Message:
    return Message(memoryview(data))


def same(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, TensorProto):
        expected = numpy_helper.to_array(theirs)
        assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
        assert ours.tobytes() == expected.tobytes()
    else:
        assert ours == (theirs.decode() if isinstance(theirs, bytes) else theirs)


def check(data: bytes) -> Model:
    """Every field that the frontend reads."""
    model, proto = parse(data, None), onnx.load_model_from_string(data)
    assert model.producer == f"{proto.producer_name} {proto.producer_version}".strip()
    assert model.opset == next(entry.version for entry in proto.opset_import if not entry.domain)
    assert list(model.constants) == [tensor.name for tensor in proto.graph.initializer]
    for tensor in proto.graph.initializer:
        same(model.constants[tensor.name], tensor)
    ports = [port for port in proto.graph.input if port.name not in model.constants]
    assert [port.name for port in model.inputs] == [port.name for port in ports]
    for ours, theirs in zip(model.inputs, ports, strict=True):
        kind = theirs.type.tensor_type
        assert ours.dtype == helper.tensor_dtype_to_np_dtype(kind.elem_type)
        assert ours.shape == tuple(dim.dim_value or 1 for dim in kind.shape.dim)
    assert model.outputs == tuple(port.name for port in proto.graph.output)
    assert len(model.nodes) == len(proto.graph.node)
    for ours, theirs in zip(model.nodes, proto.graph.node, strict=True):
        assert ours.op == (f"{theirs.domain}.{theirs.op_type}" if theirs.domain else theirs.op_type)
        assert (ours.inputs, ours.outputs) == (tuple(theirs.input), tuple(theirs.output))
        assert list(ours.attributes) == [attribute.name for attribute in theirs.attribute]
        for attribute in theirs.attribute:
            same(ours.attributes[attribute.name], helper.get_attribute_value(attribute))
    return model


@pytest.mark.parametrize("op", OPS)
def test_cases_of_operators(op: str) -> None:
    for case in all_cases()[op]:
        try:
            parse(case.model.SerializeToString(), None)
        except (errors.DTypeError, errors.UnsupportedOpError, errors.ShapeError):
            continue
        check(case.model.SerializeToString())
        check(case.with_constants())


def test_networks(data: Path) -> None:
    found = sorted((data / "models").glob("*.onnx"))
    assert found
    for path in found:
        assert check(path.read_bytes()).nodes


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("element", schema.ARRAYS)
def test_element_types(element: str, raw: bool) -> None:
    dtype, _ = schema.ARRAYS[element]
    values = np.array([[0, 1, 2], [100, 127, 1]]).astype(dtype)
    if dtype.kind in "if":
        values[1] = -values[1]
    code = getattr(TensorProto, element)
    numbers = values.tobytes() if raw else values.reshape(-1)
    tensor = helper.make_tensor("numbers", code, values.shape, numbers, raw=raw)
    same(to_array(message(tensor.SerializeToString()), None), tensor)
    same(to_array(message(tensor.SerializeToString()), None), numpy_helper.from_array(values))


def test_names_of_types() -> None:
    """Those that the installed package has."""
    for ours, theirs in (
        (schema.ELEMENT_NAMES, TensorProto.DataType),
        (schema.ATTRIBUTE_NAMES, onnx.AttributeProto.AttributeType),
    ):
        names = sorted(theirs.keys(), key=theirs.Value)
        assert list(ours[: len(names)]) == names[: len(ours)]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers(values: list[int]) -> None:
    packed = TensorProto(int64_data=values).SerializeToString()
    assert message(packed).integers(schema.TENSOR_INT64).tolist() == values
    single = TensorProto(dims=values).SerializeToString()
    assert message(single).integers(schema.TENSOR_DIMS).tolist() == values
    both = TensorProto(dims=values).SerializeToString() + b"\x0a\x03\x05\x80\x01"
    assert message(both).integers(schema.TENSOR_DIMS).tolist() == [*values, 5, 128]


def test_a_message_in_parts() -> None:
    """As protobuf has it: lists go on, and the last of single values counts."""
    first = onnx.GraphProto(name="a", node=[node("Relu", "x", "a")]).SerializeToString()
    second = onnx.GraphProto(name="b", node=[node("Relu", "a", "y")]).SerializeToString()
    whole = message(b"".join(b"\x3a" + bytes([len(part)]) + part for part in (first, second)))
    graph = whole.message(schema.MODEL_GRAPH)
    assert graph.text(2) == "b"
    assert [n.texts(schema.NODE_OUTPUTS) for n in graph.messages(schema.GRAPH_NODES)] == [("a",), ("y",)]


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"\x08", None),
        (b"\x08\x80", None),
        (b"\x08" + b"\xff" * 10 + b"\x01", None),
        (b"\x0a\x05abc", None),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abc", None),
        (b"\x0d\x00\x00\x00", None),
        (b"\x0b\x0c", None),
        (b"\x0e", None),
        (b"\x08\x05", lambda m: m.text(1)),
        (b"\x08\x05", lambda m: m.messages(1)),
        (b"\x0a\x01a", lambda m: m.number(1)),
        (b"\x0a\x01a", lambda m: m.float32(1)),
        (b"\x0a\x01\xff", lambda m: m.text(1)),
        (b"\x0a\x02\x01\x80", lambda m: m.integers(1)),
        (b"\x0a\x0b" + b"\x80" * 10 + b"\x01", lambda m: m.integers(1)),
    ],
)
def test_damage(data: bytes, read: Callable[[Message], object] | None) -> None:
    with pytest.raises(errors.ModelFormatError, match="damaged"):
        (read or (lambda m: m))(message(data))


def test_bytes_of_another_size_than_the_shape() -> None:
    for raw in (b"123", b"12345678"):
        tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], raw_data=raw)
        with pytest.raises(errors.ModelFormatError, match="'w'"):
            to_array(message(tensor.SerializeToString()), None)


def test_bytes_are_views_of_the_file() -> None:
    w = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    data = network([node("Identity", "w")], {}, {"w": w})
    found = parse(data, None).constants["w"]
    assert np.shares_memory(found, np.frombuffer(data, np.int8))


def test_nothing_but_numpy_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(network([node("Conv", "x w")], {"x": [1, 3, 5, 5]}, {"w": weights(4, 3, 3, 3)}))
    program = (
        "import sys; sys.modules['onnx'] = sys.modules['google'] = None\n"
        f"from intaglio.conversion import convert; print(len(convert({str(path)!r}).nodes))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "3\n"

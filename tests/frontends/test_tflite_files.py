"""Whole .tflite files: several inputs and outputs, odd names, formats that are not TFLite, damage."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tflite", reason="needs the packages tflite and flatbuffers")

import tflite
from tflite_writer import Writer

from intaglio import errors, reference
from intaglio.conversion import convert
from intaglio.frontends.tflite import schema
from intaglio.graph import Graph


def relu_network(dtype: str = "int8") -> bytes:
    net = Writer(dtype)
    x, y = net.input((2, 3), 0.1, 5), net.tensor((2, 3), 0.05, -128)
    net.operator("RELU", [x], [y])
    return net.bytes([y])


def values(graph: Graph) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(0)
    shapes = {port.tensor: (graph.tensors[port.tensor].shape, port.dtype) for port in graph.inputs}
    return {name: rng.integers(0, 256, shape).astype(np.uint8).view(dtype) for name, (shape, dtype) in shapes.items()}


def test_sources(tmp_path: Path) -> None:
    data = relu_network()
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    graph = convert(data)
    for source in (path, str(path), bytearray(data), memoryview(data), io.BytesIO(data), graph, graph.to_bytes()):
        again = convert(source)
        assert again.to_bytes() == graph.to_bytes()


def test_file_of_text_is_refused() -> None:
    with pytest.raises(TypeError, match="binary"):
        convert(io.StringIO("net"))  # type: ignore[arg-type]


def test_unknown_requant_is_refused() -> None:
    with pytest.raises(ValueError, match="'float32' or 'fixed', got 'double'"):
        convert(relu_network(), requant="double")


def test_recipe_is_recorded() -> None:
    assert convert(relu_network(), requant="fixed").metadata["requant"] == "fixed"


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_ports_keep_names_and_types(dtype: str) -> None:
    graph = convert(relu_network(dtype))
    assert [(p.tensor, p.dtype) for p in (*graph.inputs, *graph.outputs)] == [("t0", dtype), ("t1", dtype)]
    assert graph.tensors["t0"].zero_point == 5


def test_many_inputs_and_outputs() -> None:
    """An output that is also used inside, an input passed through, a constant, and one output twice."""
    net = Writer()
    a, b = net.input((4,), 0.1, 1), net.input((4,), 0.1, 1)
    total, half = net.tensor((4,), 0.2, 0), net.tensor((4,), 0.2, 0)
    constant = net.constant(np.arange(4, dtype=np.int8), 0.5, 0)
    net.operator("ADD", [a, b], [total], "AddOptions")
    net.operator("RELU", [total], [half])
    graph = convert(net.bytes([total, half, a, constant, half]))
    graph.validate()
    inputs = values(graph)
    results = reference.run(graph, inputs)
    outputs = [results[port.tensor] for port in graph.outputs]
    assert len(outputs) == 5
    np.testing.assert_array_equal(outputs[1], np.maximum(outputs[0], 0))
    np.testing.assert_array_equal(outputs[2], inputs["t0"])
    np.testing.assert_array_equal(outputs[3], [0, 1, 2, 3])
    np.testing.assert_array_equal(outputs[4], outputs[1])


def test_equal_and_missing_names_become_unique() -> None:
    net = Writer()
    x = net.input((2,), 0.1, 0, name="")
    y, z = net.tensor((2,), 0.2, 0, name="same"), net.tensor((2,), 0.3, 0, name="same")
    net.operator("RELU", [x], [y])
    net.operator("RELU", [y], [z])
    graph = convert(net.bytes([y, z]))
    graph.validate()
    assert [port.tensor for port in graph.outputs] == ["same", "same#2"]


def test_float_edges() -> None:
    net = Writer()
    x, q = net.input((8,), dtype="float32"), net.tensor((8,), 0.1, 3)
    r, y = net.tensor((8,), 0.1, 3), net.tensor((8,), dtype="float32")
    net.operator("QUANTIZE", [x], [q])
    net.operator("RELU", [q], [r])
    net.operator("DEQUANTIZE", [r], [y])
    graph = convert(net.bytes([y]))
    x_value = np.linspace(-1, 1, 8).astype(np.float32)
    result = reference.run(graph, {"t0": x_value})["t3"]
    np.testing.assert_allclose(result, np.maximum(x_value, 0), atol=0.051)


def test_shape_arithmetic_is_folded() -> None:
    """RESHAPE to a shape that the network computes from SHAPE."""
    net = Writer()
    x = net.input((2, 3, 4), 0.1, 0)
    shape, first = net.tensor((3,), dtype="int32"), net.tensor((), dtype="int32")
    rest, packed = net.constant(np.array(-1, np.int32)), net.tensor((2,), dtype="int32")
    y = net.tensor((2, 12), 0.1, 0)
    bounds = [net.constant(np.array([n], np.int32)) for n in (0, 1, 1)]
    net.operator("SHAPE", [x], [shape], "ShapeOptions", OutType=2)
    net.operator("STRIDED_SLICE", [shape, *bounds], [first], "StridedSliceOptions", ShrinkAxisMask=1)
    net.operator("PACK", [first, rest], [packed], "PackOptions", ValuesCount=2)
    net.operator("RESHAPE", [x, packed], [y])
    graph = convert(net.bytes([y]))
    assert [node.op for node in graph.nodes] == ["reshape"]
    assert graph.output_tensors[0].shape == (2, 12)


def test_schema_agrees_with_the_package() -> None:
    for names, enum in (
        (schema.OP_NAMES, tflite.BuiltinOperator),
        (schema.TYPE_NAMES, tflite.TensorType),
        (schema.ACTIVATIONS, tflite.ActivationFunctionType),
    ):
        for code, name in enumerate(names):
            assert getattr(enum, name.upper()) == code


@pytest.mark.parametrize("data", [b"", b"x", b"TFL3", b"\0\0\0\0TFL3", b"\x7fELF" * 40, b"\xff\xff\xff\xffTFL3" * 9])
def test_foreign_files_are_refused(data: bytes) -> None:
    with pytest.raises(errors.ModelFormatError):
        convert(data)


def test_truncated_file_is_refused_at_every_length() -> None:
    data = relu_network()
    for size in range(len(data)):
        with pytest.raises(errors.ModelFormatError, match=f"file of {size} bytes" if size >= 8 else None):
            convert(data[:size])


def all_op_networks() -> list[bytes]:
    import op_cases_compute  # noqa: F401
    import op_cases_movement  # noqa: F401
    import op_cases_unary  # noqa: F401
    from op_cases import CASES

    networks = []
    for name in CASES:
        net = Writer("int8")
        networks.append(net.bytes(CASES[name](net, np.random.default_rng(0))))
    return networks


def test_damaged_files_give_typed_errors() -> None:
    """Bytes of small networks of every op overwritten at random: a graph or a typed error, and never anything else."""
    rng = np.random.default_rng(7)
    interesting = np.array([0, 1, 2, 4, 0x7F, 0x80, 0xFE, 0xFF], np.uint8)
    refused = 0
    for data in all_op_networks():
        for _ in range(60):
            damaged = np.frombuffer(data, np.uint8).copy()
            where = rng.integers(0, damaged.size, rng.integers(1, 4))
            damaged[where] = rng.choice(interesting, where.size)
            try:
                convert(damaged.tobytes()).validate()
            except errors.Error:
                refused += 1
    assert refused > 100


def test_names_of_the_file_come_first() -> None:
    """A constant made by a lowering never takes the name of a tensor of the file."""
    net = Writer()
    x, y = net.input((2,), 0.1, 0), net.tensor((2,), 0.2, 0, name="y")
    z = net.tensor((2,), 0.3, 0, name="y/table")
    net.operator("RELU", [x], [y])
    net.operator("RELU", [y], [z])
    graph = convert(net.bytes([z]))
    graph.validate()
    assert graph.outputs[0].tensor == "y/table"


def test_nothing_but_numpy_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(relu_network())
    program = (
        "import sys; sys.modules['tflite'] = sys.modules['flatbuffers'] = None\n"
        f"from intaglio.conversion import convert; print(len(convert({str(path)!r}).nodes))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "1\n"


def integer_network(op: str, *constants: object, shape: tuple[int, ...], table: str = "", **options: Any) -> bytes:
    """An int32 output that constants alone decide, beside an input that is passed through."""
    net = Writer()
    x, y = net.input((2,), 0.1, 0), net.tensor(shape, dtype="int32")
    net.operator(op, [net.constant(np.array(c, np.int32)) for c in constants], [y], table, **options)
    return net.bytes([x, y])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (integer_network("ADD", [1, 2], [3], shape=(2,), table="AddOptions"), [4, 5]),
        (integer_network("FLOOR_DIV", [-7, 7], [2], shape=(2,)), [-4, 3]),
        (integer_network("RESHAPE", [1, 2], shape=(2, 1), table="ReshapeOptions", NewShape=[2, 1]), [[1], [2]]),
        (integer_network("RESHAPE", [1, 2], [1, 2], shape=(1, 2)), [[1, 2]]),
        (integer_network("GATHER", [5, 6, 7], [2, 0], shape=(2,), table="GatherOptions"), [7, 5]),
        (integer_network("RANGE", 1, 7, 2, shape=(3,)), [1, 3, 5]),
        (integer_network("FILL", [2], 9, shape=(2,)), [9, 9]),
        (integer_network("CONCATENATION", [1], [2], shape=(2,), table="ConcatenationOptions"), [1, 2]),
        (integer_network("REDUCE_PROD", [2, 3], [0], shape=(), table="ReducerOptions"), 6),
    ],
)
def test_integer_constants_are_folded(data: bytes, expected: object) -> None:
    graph = convert(data)
    assert not graph.nodes
    np.testing.assert_array_equal(graph.output_tensors[1].data, expected)


@pytest.mark.parametrize(
    "data",
    [
        integer_network("GATHER", [5, 6, 7], [3], shape=(1,), table="GatherOptions"),
        integer_network("FLOOR_DIV", [1], [0], shape=(1,)),
        integer_network("RESHAPE", [1, 2], [3], shape=(3,)),
    ],
)
def test_bad_integer_constants_are_refused(data: bytes) -> None:
    with pytest.raises(errors.ModelFormatError, match=r"\(operator 0, computing 't1'\) is malformed"):
        convert(data)

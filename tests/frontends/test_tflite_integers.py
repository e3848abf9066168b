"""Operators on int32 and int64, casts and gathers, against TFLite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tflite", reason="needs the extra tflite")
pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

from test_tflite_ops import run_litert, run_oracle
from tflite_writer import Writer

from intaglio.conversion import convert
from intaglio.errors import ModelFormatError, UnsupportedOpError

Array = NDArray[Any]


def expect_litert(net: Writer, y: int, values: list[Array]) -> None:
    data = net.bytes([y])
    (expected,) = run_litert(data, values)
    (result,) = run_oracle(convert(data), values)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


TABLES = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "FLOOR_DIV": "FloorDivOptions"}
BINARY = ["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "FLOOR_DIV", "FLOOR_MOD"]


@pytest.mark.parametrize(("op", "dtype"), [(op, "int32") for op in BINARY] + [("ADD", "int64"), ("MUL", "int64")])
def test_arithmetic(op: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    net = Writer(dtype)
    a, y = net.input((3, 4)), net.tensor((3, 4))
    b = net.constant(np.array([3, -7, 1, 40], dtype))
    net.operator(op, [a, b], [y], TABLES.get(op, ""))
    expect_litert(net, y, [rng.integers(-1000, 1000, (3, 4)).astype(dtype)])


def cast(source: str, target: str, x: Array, scale: float | tuple[()] = ()) -> None:
    net = Writer()
    first, y = net.input(x.shape, scale, dtype=source), net.tensor(x.shape, dtype=target)
    types = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "int8": 9}
    net.operator("CAST", [first], [y], "CastOptions", InDataType=types[source], OutDataType=types[target])
    expect_litert(net, y, [x])


@pytest.mark.parametrize("target", ["float32", "int32", "int64", "uint8"])
@pytest.mark.parametrize("source", ["float32", "int32", "int64", "uint8", "int8"])
def test_cast(source: str, target: str) -> None:
    if source == target or (source, target) == ("int8", "uint8"):
        pytest.skip("TFLite leaves a cast to the same width out")
    values = np.arange(256) if source == "uint8" or target == "uint8" else np.arange(-128, 128)
    if source == "int8":
        values = np.arange(-128, 128)
    if source == "float32" and target != "uint8":
        values = values * 7.3
    cast(source, target, values.astype(source))


def test_cast_takes_stored_integers_whatever_the_scale() -> None:
    cast("uint8", "float32", np.arange(256).astype(np.uint8), 0.25)
    cast("int8", "int32", np.arange(-128, 128).astype(np.int8), 0.25)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32", "int32"])
def test_gather(dtype: str, axis: int) -> None:
    rng = np.random.default_rng(2)
    net = Writer(dtype)
    scale = (0.1, 3) if "int8" in dtype else ((),)
    x, indices = net.input((5, 4, 6), *scale), net.input((2, 3), dtype="int32")
    shape = [5, 4, 6]
    shape[axis : axis + 1 if axis >= 0 else None] = [2, 3]
    y = net.tensor(shape, *scale)
    net.operator("GATHER", [x, indices], [y], "GatherOptions", Axis=axis)
    expect_litert(net, y, [rng.integers(0, 100, (5, 4, 6)).astype(dtype), rng.integers(0, 4, (2, 3)).astype(np.int32)])


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32", "int32"])
def test_gather_nd(dtype: str, depth: int) -> None:
    rng = np.random.default_rng(3)
    net = Writer(dtype)
    scale = (0.1, 3) if "int8" in dtype else ((),)
    x, indices = net.input((5, 4, 6), *scale), net.input((7, depth), dtype="int32")
    y = net.tensor((7, *(5, 4, 6)[depth:]), *scale)
    net.operator("GATHER_ND", [x, indices], [y])
    places = rng.integers(0, 4, (7, depth)).astype(np.int32)
    expect_litert(net, y, [rng.integers(0, 100, (5, 4, 6)).astype(dtype), places])


def test_refusals_name_the_operator() -> None:
    net = Writer("int32")
    x, y = net.input((2,)), net.tensor((2,))
    net.operator("FLOOR_DIV", [x, net.constant(np.array([1, 0], np.int32))], [y])
    with pytest.raises(ModelFormatError, match=r"FLOOR_DIV \(operator 0.*divides by zero"):
        convert(net.bytes([y]))
    net = Writer("int32")
    x, y = net.input((2,)), net.tensor((2,))
    net.operator("ADD", [x, x], [y], "AddOptions", FusedActivationFunction=1)
    with pytest.raises(UnsupportedOpError, match=r"ADD \(operator 0.*activation"):
        convert(net.bytes([y]))

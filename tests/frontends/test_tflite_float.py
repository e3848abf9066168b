"""Operators on float32 tensors, one at a time, agree with TFLite's own kernels as closely as float32 lets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tflite", reason="needs the extra tflite")
interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

from tflite_writer import Writer  # noqa: E402

from intaglio import reference  # noqa: E402
from intaglio.conversion import convert  # noqa: E402
from intaglio.frontends.tflite.lower import FLOAT_LOWERINGS  # noqa: E402

Array = NDArray[Any]
Case = Callable[[Writer, np.random.Generator], list[int]]


def normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(size=shape).astype(np.float32)


def one(
    op: str, *shapes: tuple[int, ...], y: tuple[int, ...], table: str = "", constants: Any = (), **options: Any
) -> Case:
    """An operator on inputs of these shapes, then constants; ``constants`` are arrays, or shapes to draw."""

    def build(net: Writer, rng: np.random.Generator) -> list[int]:
        inputs = [net.input(shape) for shape in shapes]
        drawn = [normal(rng, *c) if isinstance(c, tuple) else np.asarray(c) for c in constants]
        result = net.tensor(y)
        net.operator(op, [*inputs, *(net.constant(c) for c in drawn)], [result], table, **options)
        return [result]

    return build


def transposed(net: Writer, rng: np.random.Generator) -> list[int]:
    shape = net.constant(np.array([1, 8, 8, 3], np.int32))
    w, x = net.constant(normal(rng, 3, 3, 3, 2)), net.input((1, 4, 4, 2))
    y = net.tensor((1, 8, 8, 3))
    net.operator("TRANSPOSE_CONV", [shape, w, x], [y], "TransposeConvOptions", Padding=0, StrideH=2, StrideW=2)
    return [y]


IMAGE = (1, 7, 6, 4)
STRIDED = {"Padding": 0, "StrideH": 2, "StrideW": 1}
CASES: dict[str, Case] = {
    "CONV_2D": one(
        "CONV_2D", IMAGE, y=(1, 4, 6, 6), table="Conv2DOptions", constants=[(6, 3, 3, 2), (6,)],
        **STRIDED, DilationHFactor=1, DilationWFactor=1, FusedActivationFunction=3,
    ),
    "DEPTHWISE_CONV_2D": one(
        "DEPTHWISE_CONV_2D", IMAGE, y=(1, 7, 6, 8), table="DepthwiseConv2DOptions", constants=[(1, 3, 3, 8), (8,)],
        Padding=0, StrideH=1, StrideW=1, DepthMultiplier=2, DilationHFactor=1, DilationWFactor=1,
    ),
    "TRANSPOSE_CONV": transposed,
    "FULLY_CONNECTED": one(
        "FULLY_CONNECTED", (3, 5), y=(3, 4), table="FullyConnectedOptions", constants=[(4, 5), (4,)],
        FusedActivationFunction=1,
    ),
    "BATCH_MATMUL": one("BATCH_MATMUL", (2, 3, 4), (2, 5, 4), y=(2, 3, 5), table="BatchMatMulOptions", AdjY=True),
    "SOFTMAX": one("SOFTMAX", (3, 7), y=(3, 7), table="SoftmaxOptions", Beta=0.7),
    "LOG_SOFTMAX": one("LOG_SOFTMAX", (3, 7), y=(3, 7)),
    "RESIZE_NEAREST_NEIGHBOR": one(
        "RESIZE_NEAREST_NEIGHBOR", IMAGE, y=(1, 9, 11, 4), table="ResizeNearestNeighborOptions",
        constants=[np.array([9, 11], np.int32)], HalfPixelCenters=True,
    ),
    "RESIZE_BILINEAR": one(
        "RESIZE_BILINEAR", IMAGE, y=(1, 9, 11, 4), table="ResizeBilinearOptions",
        constants=[np.array([9, 11], np.int32)], HalfPixelCenters=True,
    ),
    **{
        op: one(
            op, IMAGE, y=(1, 4, 6, 4), table="Pool2DOptions", FilterHeight=3, FilterWidth=2, **STRIDED,
            FusedActivationFunction=1,
        )
        for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D")
    },
    **{
        op: one(op, IMAGE, y=(1, 4), table="ReducerOptions", constants=[np.array([1, -2], np.int32)])
        for op in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
    },
    "SQUARED_DIFFERENCE": one("SQUARED_DIFFERENCE", (2, 3), y=(2, 3), constants=[(3,)]),
    "LEAKY_RELU": one("LEAKY_RELU", (2, 9), y=(2, 9), table="LeakyReluOptions", Alpha=0.3),
    "GELU": one("GELU", (2, 9), y=(2, 9), table="GeluOptions", Approximate=True),
    "PRELU": one("PRELU", IMAGE, y=IMAGE, constants=[(1, 1, 4)]),
    "PAD": one("PAD", (2, 3), y=(3, 5), constants=[np.array([[1, 0], [0, 2]], np.int32)]),
    "PADV2": one("PADV2", (2, 3), y=(3, 5), constants=[np.array([[1, 0], [0, 2]], np.int32), np.float32(0.3)]),
    **{
        op: one(op, (4, 3), y=(4, 3), table=f"{op.capitalize()}Options", constants=[(3,)], FusedActivationFunction=2)
        for op in ("ADD", "SUB", "MUL", "DIV")
    },
    **{op: one(op, (4, 3), y=(4, 3), constants=[(3,)]) for op in ("MAXIMUM", "MINIMUM")},
    "POW": one("POW", (4, 3), y=(4, 3), constants=[np.float32([2, 3, 0])]),
    **{
        op: one(op, (8, 9), y=(8, 9))
        for op in FLOAT_LOWERINGS
        if FLOAT_LOWERINGS[op][1] in ("clamp", "function", "elu", "square")
    },
}  # fmt: skip


def _litert(data: bytes, values: Sequence[Array]) -> Any:
    """The first output."""
    litert = interpreter.Interpreter(model_content=data)
    litert.allocate_tensors()
    for detail, value in zip(litert.get_input_details(), values, strict=True):
        litert.set_tensor(detail["index"], value)
    litert.invoke()
    return litert.get_tensor(litert.get_output_details()[0]["index"])


def test_every_op_has_a_case() -> None:
    assert set(CASES) == set(FLOAT_LOWERINGS)


@pytest.mark.parametrize("op", CASES)
def test_agrees_with_litert(op: str) -> None:
    rng = np.random.default_rng([3, *op.encode()])
    net = Writer("float32")
    data = net.bytes(CASES[op](net, rng))
    values = [normal(rng, *net.tensors[i].shape) for i in net.inputs]
    values = [np.abs(v) for v in values] if op in ("LOG", "SQRT", "RSQRT") else values
    expected = _litert(data, values)
    graph = convert(data)
    graph.validate()
    names = [port.tensor for port in graph.inputs]
    (result,) = reference.run(graph, dict(zip(names, values, strict=True))).values()
    np.testing.assert_allclose(result, expected, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize(("op", "axis"), [("ARG_MAX", -1), ("ARG_MIN", 1)])
def test_positions_of_extremes(op: str, axis: int) -> None:
    """Values that tie."""
    net = Writer("float32")
    x, y = net.input((2, 7, 5)), net.tensor((2, 7) if axis == -1 else (2, 5), dtype="int32")
    table = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
    net.operator(op, [x, net.constant(np.array(axis, np.int32))], [y], table, OutputType=2)
    data = net.bytes([y])
    value = np.random.default_rng(6).integers(-2, 3, (2, 7, 5)).astype(np.float32)
    (result,) = reference.run(convert(data), {"t0": value}).values()
    np.testing.assert_array_equal(result, _litert(data, [value]))


def test_integer_weights_of_a_float_layer_stand_for_floats() -> None:
    rng = np.random.default_rng(4)
    net = Writer("float32")
    w = rng.integers(-128, 128, (4, 5)).astype(np.int8)
    scale = [0.1, 0.2, 0.3, 0.4]
    x, y = net.input((1, 5)), net.tensor((1, 4))
    net.operator("FULLY_CONNECTED", [x, net.constant(w, scale, [0] * 4), -1], [y], "FullyConnectedOptions")
    value = normal(rng, 1, 5)
    (result,) = reference.run(convert(net.bytes([y])), {"t0": value}).values()
    np.testing.assert_allclose(result, value @ (w * np.float32(scale)[:, None]).T, rtol=1e-5)

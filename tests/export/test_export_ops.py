"""Every op as ONNX: other engines give what the oracle gives, but for how they round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")

from engines import Array, run_onnxruntime  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from strategies import graphs  # noqa: E402

from intaglio import reference  # noqa: E402
from intaglio.builder import Builder  # noqa: E402
from intaglio.errors import UnsupportedOpError  # noqa: E402
from intaglio.export.onnx import FORMS, to_bytes  # noqa: E402
from intaglio.graph import Graph  # noqa: E402
from intaglio.opset import BY_NAME  # noqa: E402
from intaglio.quantization import Requantization  # noqa: E402

#: Ops that have no form: ONNX's own operators of their kind compute something else.
WITHOUT_FORM = {"detection_postprocess", "lstm"}
#: How far results may be apart: sums that float32 does not hold exactly, halves, positions in 1/1024.
STEPS = {
    **dict.fromkeys(("conv2d", "depthwise_conv2d", "transposed_conv2d", "fully_connected"), 1),
    **dict.fromkeys(("add", "sub", "average_pool2d", "softmax", "quantize"), 1),
    "resize_bilinear": 2,
}
RANDOM = (
    *STEPS,
    *("maximum", "minimum", "lookup", "max_pool2d", "reshape", "transpose", "slice", "pad"),
    *("concat", "broadcast_to", "resize_nearest", "dequantize", "gather", "gather_nd"),
)


def expect_agreement(graph: Graph, inputs: dict[str, Array], steps: int = 0) -> bytes:
    """ONNX Runtime gives the oracle's values; the file."""
    data = to_bytes(graph)
    expected = reference.run(graph, inputs)
    results = run_onnxruntime(data, inputs, optimized=False)
    for name, value in expected.items():
        result = results[name if name in results else f"{name}/output"]
        assert (result.dtype, result.shape) == (value.dtype, value.shape)
        if value.dtype == np.float32:
            np.testing.assert_allclose(result, value, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_allclose(result.astype(np.int64), value.astype(np.int64), rtol=0, atol=steps)
    return data


def operators(data: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_model_from_string(data).graph.node]


def test_every_op_has_a_form() -> None:
    assert BY_NAME.keys() - FORMS.keys() <= WITHOUT_FORM
    assert FORMS.keys() <= BY_NAME.keys()


@pytest.mark.parametrize("op", RANDOM)
@settings(max_examples=15)
@given(data=st.data())
def test_random(op: str, data: st.DataObject) -> None:
    graph, inputs = data.draw(graphs(op))
    if op == "transposed_conv2d" and _reaches_beyond(graph):
        with pytest.raises(UnsupportedOpError, match="beyond the last input"):
            to_bytes(graph)
        return
    expect_agreement(graph, inputs, STEPS.get(op, 0))


def _reaches_beyond(graph: Graph) -> bool:
    attrs: dict[str, Any] = graph.nodes[-1].attrs
    return any(-pad >= stride for pad, stride in zip(attrs["padding"][2:], attrs["stride"], strict=True))


def _drawn(graph: Graph, rng: np.random.Generator) -> dict[str, Array]:
    """Ordinary numbers, and all bytes."""
    inputs: dict[str, Array] = {}
    for port in graph.inputs:
        shape = graph.tensors[port.tensor].shape
        inputs[port.tensor] = (
            rng.normal(size=shape).astype(np.float32)
            if port.dtype == np.float32
            else rng.integers(-128, 128, shape).astype(port.dtype)
        )
    return inputs


def _floats(b: Builder, rng: np.random.Generator, *shape: int) -> str:
    return b.constant(rng.normal(size=shape).astype(np.float32))


def _float_op(op: str, b: Builder, rng: np.random.Generator) -> str | tuple[str, ...]:
    x = b.input("x", (2, 6, 7, 4), dtype="float32")
    if op == "float_conv2d":
        weight, bias = _floats(b, rng, 6, 3, 2, 2), _floats(b, rng, 6)
        return b.float_conv2d(x, weight, bias=bias, groups=2, stride=(2, 1), dilation=(1, 2), activation="relu6")
    if op == "float_depthwise_conv2d":
        return b.float_depthwise_conv2d(x, _floats(b, rng, 3, 3, 8), bias=_floats(b, rng, 8), activation="relu")
    if op == "float_transposed_conv2d":
        return b.float_transposed_conv2d(x, _floats(b, rng, 5, 3, 3, 4), bias=_floats(b, rng, 5), stride=2)
    if op == "float_matmul":
        return b.float_matmul(x, _floats(b, rng, 2, 1, 4, 5), bias=_floats(b, rng, 5))
    if op == "dynamic_quantize":
        return b.dynamic_quantize(x)
    values, _, zero_point = b.dynamic_quantize(x)
    weight, zero = rng.integers(-128, 128, (4, 5)).astype(np.int8), np.array(3, np.int32)
    if op == "integer_matmul":
        return b.integer_matmul(values, zero_point, b.constant(weight), b.constant(zero))
    weight = rng.integers(-128, 128, (6, 3, 3, 2)).astype(np.int8)
    return b.integer_conv2d(values, zero_point, b.constant(weight), b.constant(zero.reshape(1)), groups=2)


@pytest.mark.parametrize(
    "op",
    [
        *("float_conv2d", "float_depthwise_conv2d", "float_transposed_conv2d", "float_matmul", "dynamic_quantize"),
        *("integer_matmul", "integer_conv2d"),
    ],
)
def test_float_and_dynamic_sums(op: str) -> None:
    b, rng = Builder(), np.random.default_rng(4)
    made = _float_op(op, b, rng)
    for name in (made,) if isinstance(made, str) else made:
        b.output(name)
    graph = b.build()
    expect_agreement(graph, _drawn(graph, rng))


@pytest.mark.parametrize(
    "op",
    [
        *("float_binary", "float_unary", "float_prelu", "float_pool2d", "float_reduce", "float_softmax", "cast"),
        *("integer_binary", "arg_max", "arg_min"),
    ],
)
@settings(max_examples=15)
@given(data=st.data())
def test_random_on_ordinary_numbers(op: str, data: st.DataObject) -> None:
    graph, drawn = data.draw(graphs(op))
    inputs = drawn | {name: _ordinary(value) for name, value in drawn.items() if value.dtype.itemsize > 1}
    expected = reference.run(graph, inputs)
    results = run_onnxruntime(to_bytes(graph), inputs, optimized=False)
    for name, value in expected.items():
        result = results[name if name in results else f"{name}/output"]
        assert (result.dtype, result.shape) == (value.dtype, value.shape)
        if value.dtype == np.float32:
            ordinary = np.isfinite(value) & (np.abs(value) < 1e6)
            np.testing.assert_allclose(result[ordinary], value[ordinary], rtol=1e-3, atol=1e-5)
        else:
            np.testing.assert_array_equal(result, value)


def _ordinary(values: Array) -> Array:
    """Numbers that every engine casts to integers alike."""
    limit = 20 if values.dtype.kind == "f" else 1 << 20
    return np.asarray(np.clip(np.nan_to_num(values), -limit, limit))


def _quantized_pair(mode: Any = "float32") -> tuple[Builder, str, str]:
    b = Builder(requant=mode)
    return b, b.input("a", (1, 5, 6), 0.05, 3), b.input("b", (1, 6, 4), 0.03, -7)


@pytest.mark.parametrize("mode", ["float32", "fixed"])
def test_products_and_means(mode: Any) -> None:
    b, x, y = _quantized_pair(mode)
    b.output(b.batch_matmul(x, y, 0.09, 5))
    b.output(b.mul(x, b.reshape(y, (4, 1, 6)), 0.02, -1))
    b.output(b.mean(x, (1,), 0.04, 2))
    graph = b.build()
    data = expect_agreement(graph, _drawn(graph, np.random.default_rng(1)), steps=1)
    assert {"MatMul", "Mul", "ReduceMean"} <= set(operators(data))


def test_factors_of_their_own_are_refused() -> None:
    b, x, y = _quantized_pair()
    b.output(b.batch_matmul(x, y, 0.09, 5, requantization=Requantization.of_scales(0.5)))
    with pytest.raises(UnsupportedOpError, match=r"batch_matmul.*it scales by \[0.5\]"):
        to_bytes(b.build())

"""Quantized ONNX networks: the integers of every form are those of ONNX Runtime, and no transposes stay inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

from onnx_networks import MICROSOFT, feeds, network, node, ops, run, run_onnxruntime

from intaglio.conversion import convert
from intaglio.graph import Graph

TYPES = ["int8", "uint8"]


def quantize(x: str, y: str, scale: float, zero_point: int, dtype: str, constants: dict[str, Any]) -> list[Any]:
    """QuantizeLinear and DequantizeLinear from x to y."""
    constants |= {f"{y}_scale": np.float32(scale), f"{y}_zero": np.array(zero_point, dtype)}
    parameters = f"{y}_scale {y}_zero"
    return [
        node("QuantizeLinear", f"{x} {parameters}", f"{y}_q"),
        node("DequantizeLinear", f"{y}_q {parameters}", y),
    ]


def int8_weights(name: str, shape: Sequence[int], axis: int | None, constants: dict[str, Any]) -> Any:
    """DequantizeLinear of a constant, with one scale or one for each channel."""
    rng = np.random.default_rng(3)
    channels = () if axis is None else (shape[axis],)
    constants[f"{name}_q"] = rng.integers(-127, 128, shape).astype(np.int8)
    constants[f"{name}_scale"] = rng.uniform(0.005, 0.02, channels).astype(np.float32)
    constants[f"{name}_zero"] = np.zeros(channels, np.int8)
    attributes = {} if axis is None else {"axis": axis}
    return node("DequantizeLinear", f"{name}_q {name}_scale {name}_zero", name, **attributes)


def check_close(data: bytes, *, share: float = 0.999, step: float, seed: int = 0) -> Graph:
    """All but a few values equal ONNX Runtime's, and those differ by one step; gives the graph."""
    graph = convert(data)
    inputs = feeds(graph, seed)
    expected, results = run_onnxruntime(data, inputs), run(data, inputs)
    assert list(results) == list(expected)
    for name, value in expected.items():
        assert (results[name].dtype, results[name].shape) == (value.dtype, value.shape)
        steps = np.rint((results[name].astype(np.float64) - value) / step)
        assert np.abs(steps).max() <= 1, name
        assert np.mean(steps == 0) >= share, name
    return graph


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("group", [1, 8])
def test_convolution_between_pairs(dtype: str, axis: int | None, group: int) -> None:
    constants: dict[str, Any] = {}
    zero = 3 if dtype == "int8" else 131
    nodes = quantize("x", "a", 0.016, zero, dtype, constants)
    nodes.append(int8_weights("w", (8, 8 // group, 3, 3), axis, constants))
    scale = np.float32(0.016) * constants["w_scale"]
    constants |= {"b_q": np.arange(-400, 400, 100, dtype=np.int32), "b_scale": scale}
    nodes.append(node("DequantizeLinear", "b_q b_scale", "b", axis=0))
    nodes.append(node("Conv", "a w b", "c", group=group, pads=[1, 1, 1, 1], strides=[2, 1]))
    nodes += quantize("c", "y", 0.05, zero - 9, dtype, constants)
    graph = check_close(network(nodes, {"x": [1, 8, 12, 13]}, constants), step=0.05)
    convolution = "conv2d" if group == 1 else "depthwise_conv2d"
    assert ops(graph) == ["quantize", "transpose", convolution, "transpose", "dequantize"]
    bias = next(t for t in graph.tensors.values() if t.data is not None and t.dtype == np.int32 and t.shape == (8,))
    np.testing.assert_array_equal(bias.data, constants["b_q"])


@pytest.mark.parametrize("dtype", TYPES)
def test_network_of_pairs(dtype: str) -> None:
    """Convolution, residual addition, pooling, a transpose and a matrix product: no float op is left."""
    constants: dict[str, Any] = {"shape": np.array([1, -1], np.int64)}
    low = -128 if dtype == "int8" else 0
    nodes = quantize("x", "a", 0.016, low + 128, dtype, constants)
    nodes.append(int8_weights("w", (4, 4, 1, 1), None, constants))
    nodes += [node("Conv", "a w", "c"), node("Relu", "c", "r"), *quantize("r", "d", 0.02, low, dtype, constants)]
    nodes += [node("Add", "a d", "e"), *quantize("e", "f", 0.03, low + 100, dtype, constants)]
    nodes += [node("MaxPool", "f", "g", kernel_shape=[2, 2], strides=[2, 2])]
    nodes += quantize("g", "h", 0.03, low + 100, dtype, constants)
    nodes += [node("GlobalAveragePool", "h", "i"), *quantize("i", "j", 0.02, low + 90, dtype, constants)]
    nodes += [node("Reshape", "j shape", "k"), int8_weights("m", (5, 4), 0, constants)]
    nodes += [node("Gemm", "k m", "n", transB=1), *quantize("n", "y", 0.02, low + 120, dtype, constants)]
    graph = check_close(network(nodes, {"x": ["batch", 4, 8, 8]}, constants), step=0.02, share=0)
    assert not any(op.startswith("float_") for op in ops(graph))
    assert ops(graph).count("transpose") == 1


@pytest.mark.parametrize("dtype", TYPES)
def test_integer_ports(dtype: str) -> None:
    """A network whose callers give and get the integers themselves."""
    constants: dict[str, Any] = {"s": np.float32(0.1), "z": np.array(5, dtype)}
    nodes = [node("DequantizeLinear", "x s z", "a"), node("Sigmoid", "a", "b")]
    nodes += quantize("b", "c", 1 / 256, 0, dtype, constants)
    data = network(nodes[:-1], {"x": [1, 300]}, constants, outputs="c_q", dtypes={"x": dtype, "c_q": dtype})
    graph = check_close(data, step=1)
    assert ops(graph) == ["lookup"]
    assert [port.dtype for port in (*graph.inputs, *graph.outputs)] == [dtype, dtype]


def test_value_read_rounded_and_unrounded() -> None:
    constants: dict[str, Any] = {}
    nodes = [node("Tanh", "x", "t"), *quantize("t", "a", 0.01, 0, "int8", constants), node("Sub", "t a")]
    data = network(nodes, {"x": [1, 50]}, constants)
    inputs = feeds(convert(data))
    np.testing.assert_allclose(run(data, inputs)["y"], run_onnxruntime(data, inputs)["y"], atol=1e-6)


def test_moved_value_read_rounded_and_unrounded() -> None:
    """One read as it is before, one after its moved copy is rounded; the copies are apart."""
    constants: dict[str, Any] = {
        "w": np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1),
        "shape": np.array([1, -1], np.int64),
    }
    nodes = [node("Conv", "x w", "a"), node("Reshape", "a shape", "b"), *quantize("b", "c", 0.1, 0, "int8", constants)]
    nodes += [node("Reshape", "a shape", "d"), node("Sub", "d c")]
    data = network(nodes, {"x": [1, 4, 3, 3]}, constants)
    inputs = feeds(convert(data))
    np.testing.assert_allclose(run(data, inputs)["y"], run_onnxruntime(data, inputs)["y"], atol=1e-5)
    before = [*nodes[:1], node("Reshape", "a shape", "d"), *nodes[1:4], nodes[-1]]
    data = network(before, {"x": [1, 4, 3, 3]}, constants)
    np.testing.assert_allclose(run(data, inputs)["y"], run_onnxruntime(data, inputs)["y"], atol=1e-5)


def test_float_island() -> None:
    """What lies outside the pairs runs as float32."""
    constants: dict[str, Any] = {}
    nodes = [*quantize("x", "a", 0.02, 0, "int8", constants), int8_weights("w", (3, 5), None, constants)]
    nodes += [node("MatMul", "a w", "b"), *quantize("b", "c", 0.03, 0, "int8", constants), node("Exp", "c")]
    graph = check_close(network(nodes, {"x": [1, 4, 3]}, constants), step=1e-4)
    assert ops(graph)[-2:] == ["dequantize", "float_unary"]


def test_unquantized_bytes() -> None:
    """A picture of bytes becomes floats by a cast; bytes that only move stay bytes."""
    nodes = [node("Cast", "x", "a", to=1), node("Div", "a c", "b"), node("MaxPool", "x", "m", kernel_shape=[2, 2])]
    nodes.append(node("Transpose", "b", "y", perm=[0, 2, 3, 1]))
    constants = {"c": np.float32(255)}
    data = network(nodes, {"x": [1, 3, 4, 5]}, constants, outputs="y m", dtypes={"x": np.uint8, "m": np.uint8})
    check_close(data, step=1e-5)


def linear(name: str, dtype: str, constants: dict[str, Any], scale: float = 0.02, zero_point: int = 7) -> str:
    """Names of a scale and a zero point."""
    constants |= {f"{name}_s": np.float32(scale), f"{name}_z": np.array(zero_point, dtype)}
    return f"{name}_s {name}_z"


@pytest.mark.parametrize("dtype", TYPES)
def test_qlinear_convolution_and_product(dtype: str) -> None:
    constants: dict[str, Any] = {"w": np.random.default_rng(0).integers(-127, 128, (6, 4, 3, 3)).astype(np.int8)}
    constants |= {"w_s": np.linspace(0.01, 0.03, 6).astype(np.float32), "w_z": np.zeros(6, np.int8)}
    constants["bias"] = np.arange(-300, 300, 100, dtype=np.int32)
    names = f"x {linear('x', dtype, constants)} w w_s w_z {linear('y', dtype, constants, 0.1)} bias"
    data = network([node("QLinearConv", names)], {"x": [1, 4, 9, 9]}, constants, dtypes={"x": dtype, "y": dtype})
    assert ops(check_close(data, step=1)) == ["transpose", "conv2d", "transpose"]

    constants = {"b": np.random.default_rng(0).integers(-127, 128, (6, 5)).astype(np.int8)}
    constants |= {"b_s": np.linspace(0.01, 0.03, 5).astype(np.float32), "b_z": np.zeros(5, np.int8)}
    names = f"x {linear('x', dtype, constants)} b b_s b_z {linear('y', dtype, constants, 0.05)}"
    data = network([node("QLinearMatMul", names)], {"x": [1, 7, 6]}, constants, dtypes={"x": dtype, "y": dtype})
    assert ops(check_close(data, step=1)) == ["fully_connected"]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("op", "inputs", "share", "attributes"),
    [
        ("QLinearAdd", 2, 0.999, {}),
        ("QLinearMul", 2, 0.999, {}),
        ("QLinearLeakyRelu", 1, 1, {"alpha": 0.2}),
        ("QLinearSigmoid", 1, 1, {}),
        ("QLinearAveragePool", 1, 0.98, {"kernel_shape": [3, 3], "pads": [0, 0, 0, 0]}),
        ("QLinearGlobalAveragePool", 1, 0.9, {}),
    ],
)
def test_qlinear_ops(op: str, inputs: int, share: float, attributes: dict[str, Any], dtype: str) -> None:
    constants: dict[str, Any] = {}
    operands = [f"{name} {linear(name, dtype, constants)}" for name in "xz"[:inputs]]
    operands.append(linear("y", dtype, constants, 0.031, 3))
    ports = {name: [1, 5, 8, 9] for name in "xz"[:inputs]}
    nodes = [node(op, " ".join(operands), domain=MICROSOFT, **attributes)]
    data = network(nodes, ports, constants, dtypes=dict.fromkeys("xzy", dtype))
    graph = check_close(data, step=1, share=share)
    assert not any(name.startswith("float_") for name in ops(graph))


@pytest.mark.parametrize("dtype", TYPES)
def test_integers_are_padded_and_resized(dtype: str) -> None:
    """Operators that ONNX Runtime's quantizer gives the integers themselves."""
    constants: dict[str, Any] = {
        "pads": np.array([0, 0, 1, 2, 0, 0, 3, 0], np.int64),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "border": np.array(7, dtype),
    }
    around = quantize("x", "a", 0.02, 5, dtype, constants)
    back = node("DequantizeLinear", "r a_scale a_zero", "y")
    for mode in ("constant", "reflect", "edge"):
        nodes = [around[0], node("Pad", "a_q pads border" if mode == "constant" else "a_q pads", "r", mode=mode), back]
        check_close(network(nodes, {"x": [1, 2, 5, 6]}, constants), step=0.02, share=1)
    nodes = [around[0], node("Resize", "a_q - scales", "r", mode="nearest"), back]
    assert ops(check_close(network(nodes, {"x": [1, 2, 5, 6]}, constants), step=0.02, share=1))
    # ONNX Runtime cuts the interpolated integer off; here it is rounded.
    nodes = [around[0], node("Resize", "a_q - scales", "r", mode="linear"), back]
    graph = check_close(network(nodes, {"x": [1, 2, 5, 6]}, constants), step=0.02, share=0.3)
    assert "resize_bilinear" in ops(graph)


@pytest.mark.parametrize("dtype", TYPES)
def test_qlinear_softmax_and_concat(dtype: str) -> None:
    constants: dict[str, Any] = {}
    low = -128 if dtype == "int8" else 0
    names = f"x {linear('x', dtype, constants)} {linear('y', dtype, constants, 1 / 256, low)}"
    nodes = [node("QLinearSoftmax", names, domain=MICROSOFT, axis=-1, opset=13)]
    check_close(network(nodes, {"x": [1, 6, 20]}, constants, dtypes={"x": dtype, "y": dtype}), step=1, share=0.98)

    constants = {}
    parts = [f"{name} {linear(name, dtype, constants, scale)}" for name, scale in (("x", 0.02), ("z", 0.03))]
    nodes = [
        node("QLinearConcat", f"{linear('y', dtype, constants, 0.03)} {' '.join(parts)}", domain=MICROSOFT, axis=1)
    ]
    data = network(nodes, {"x": [1, 2, 3], "z": [1, 4, 3]}, constants, dtypes=dict.fromkeys("xzy", dtype))
    check_close(data, step=1)


@pytest.mark.parametrize("dtype", TYPES)
def test_qgemm(dtype: str) -> None:
    constants: dict[str, Any] = {"b": np.random.default_rng(0).integers(-127, 128, (5, 6)).astype(np.int8)}
    constants |= {"b_s": np.linspace(0.01, 0.03, 5).astype(np.float32), "b_z": np.zeros(5, np.int8)}
    constants["c"] = np.arange(5, dtype=np.int32) * 50
    first = f"x {linear('x', dtype, constants)} b b_s b_z c"
    for last, ports in ((f" {linear('y', dtype, constants, 0.04)}", {"x": dtype, "y": dtype}), ("", {"x": dtype})):
        nodes = [node("QGemm", first + last, domain=MICROSOFT, transB=1)]
        check_close(network(nodes, {"x": [1, 6]}, constants, dtypes=ports), step=1 if last else 1e-4)


@pytest.mark.parametrize("dtype", TYPES)
def test_dynamic_quantization(dtype: str) -> None:
    """As ONNX Runtime's dynamic quantizer writes it: matrix product and convolution."""
    b = np.random.default_rng(0).integers(-127, 128, (6, 5)).astype(np.int8)
    constants = {"b": b if dtype == "int8" else b.view(np.uint8), "b_z": np.array(4, dtype), "b_s": np.float32(0.02)}
    quantized = [node("DynamicQuantizeLinear", "x", "q q_s q_z")]
    rescaled = [node("Cast", "i", "f", to=1), node("Mul", "q_s b_s", "s"), node("Mul", "f s")]
    product = [node("MatMulInteger", "q b q_z b_z", "i")]
    check_close(network([*quantized, *product, *rescaled], {"x": [1, 7, 6]}, constants), step=1e-4)
    image = {**constants, "b": constants["b"][:4, :].reshape(5, 4, 1, 1)}
    convolution = [node("ConvInteger", "q b q_z b_z", "i", pads=[1, 1, 1, 1])]
    check_close(network([*quantized, *convolution, *rescaled], {"x": [1, 4, 5, 5]}, image), step=1e-4)


def test_integer_product_of_bytes() -> None:
    b = np.random.default_rng(0).integers(0, 256, (6, 5)).astype(np.uint8)
    constants = {"b": b, "x_z": np.uint8(12), "b_z": np.arange(5, dtype=np.uint8)}
    data = network(
        [node("MatMulInteger", "x b x_z b_z")], {"x": [1, 6]}, constants, dtypes={"x": np.uint8, "y": np.int32}
    )
    check_close(data, step=1, share=1)


def test_weights_alone_quantized_stay_floats() -> None:
    constants: dict[str, Any] = {}
    nodes = [int8_weights("w", (3, 5), 1, constants), node("MatMul", "x w")]
    data = network(nodes, {"x": [1, 4, 3]}, constants)
    graph = convert(data)
    inputs = feeds(graph)
    expected = inputs["x"] @ (constants["w_q"] * constants["w_scale"])
    np.testing.assert_allclose(run(data, inputs)["y"], expected, rtol=0, atol=1e-5)
    assert ops(graph) == ["float_matmul"]

"""Whole networks as ONNX: what ONNX Runtime and OpenVINO make of them, their layout and their types."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")

from engines import Array, one_by_one, run_onnxruntime, run_openvino  # noqa: E402

import intaglio  # noqa: E402
from intaglio import reference  # noqa: E402
from intaglio.builder import Builder  # noqa: E402
from intaglio.export.onnx import to_bytes  # noqa: E402
from intaglio.functions import FUNCTIONS  # noqa: E402
from intaglio.graph import Graph  # noqa: E402

#: Share of output bytes that differ from ONNX Runtime's and OpenVINO's. Sums of two tensors (in ResNet-8 and
#: MobileNetV2) are rounded otherwise there, and so is softmax in OpenVINO.
NETWORKS = {
    "mlperf_ad_int8": (0.0, 0.0),
    "mlperf_kws_int8": (0.0, 0.02),
    "mlperf_resnet8_int8": (0.2, 0.3),
    "mlperf_sww_int8": (0.0, 0.0),
    "mlperf_vww_int8": (0.0, 0.0),
    "tf2_mobilenet_v2_1.0_224_ptq": (0.01, 0.01),
}


ENGINES = {"onnxruntime": run_onnxruntime, "openvino": run_openvino}
#: Functions that jump, end at zero, or are unknown to ONNX.
LOOKED_UP = {"ceil", "floor", "round", "sign", "log", "rsqrt", "sqrt", "mish", "square"}


def samples(data: Path, name: str, count: int) -> Array:
    """Pictures, or random walks as sounds."""
    rng = np.random.default_rng(5)
    if "mobilenet" in name or "vww" in name:
        image = pytest.importorskip("PIL.Image", reason="needs Pillow")
        files = sorted((data / "images" / "imagenet_dev").glob("*.jpg"))[:count]
        pixels = np.stack([np.asarray(image.open(file).convert("RGB")) for file in files])
        return pixels if "mobilenet" in name else (pixels[:, 16:208:2, 16:208:2] ^ np.uint8(128)).view(np.int8)
    if "resnet8" in name:
        with np.load(data / "cifar10_dev.npz") as file:
            return np.asarray((file["images"][:count] ^ np.uint8(128)).view(np.int8))
    shape = {"mlperf_kws_int8": (49, 10, 1), "mlperf_sww_int8": (30, 1, 40), "mlperf_ad_int8": (640,)}[name]
    return np.clip(np.rint(np.cumsum(rng.normal(0, 6, (count, *shape)), axis=1)), -128, 127).astype(np.int8)


def operators(data: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_model_from_string(data).graph.node)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_tflite_networks_elsewhere(name: str, engine: str, data: Path) -> None:
    graph = intaglio.convert(data / "models" / f"{name}.tflite")
    file, batch = to_bytes(graph), samples(data, name, 8)
    source, target = graph.inputs[0].tensor, graph.outputs[0].tensor
    expected = intaglio.load(graph).run({source: batch}, raw=True)[target]
    result = ENGINES[engine](file, {source: batch})[target]
    assert result.dtype == expected.dtype
    assert np.mean(result != expected) <= NETWORKS[name][engine == "openvino"]
    assert np.mean(result.argmax(axis=1) == expected.argmax(axis=1)) >= 0.85
    # No more than the transpose that images need on their way in.
    assert operators(file)["Transpose"] <= 1


@pytest.mark.parametrize("name", NETWORKS)
def test_read_back_they_compute_as_onnxruntime_does(name: str, data: Path) -> None:
    graph = intaglio.convert(data / "models" / f"{name}.tflite")
    file, batch = to_bytes(graph), samples(data, name, 4)
    source, target = graph.inputs[0].tensor, graph.outputs[0].tensor
    again = intaglio.convert(file)
    assert not [node.op for node in again.nodes if node.op.startswith("float_")]
    expected = one_by_one(run_onnxruntime, file, source, batch)[target]
    np.testing.assert_array_equal(intaglio.load(again).run({source: batch}, raw=True)[target], expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_quantized_resnet20_elsewhere(engine: str, data: Path, tmp_path: Path) -> None:
    with np.load(data / "cifar10_dev.npz") as file:
        pixels = file["images"][:96]
    mean, deviation = np.float32([0.4914, 0.4822, 0.4465]), np.float32([0.2023, 0.1994, 0.2010])
    images = ((pixels / np.float32(255) - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
    path = data / "models" / "resnet20_cifar10_fp32.onnx"
    graph = intaglio.quantize(path, [images[i : i + 1] for i in range(64)], progress=False)
    graph.to_onnx(tmp_path / "net.onnx")
    written = (tmp_path / "net.onnx").read_bytes()
    assert operators(written)["Transpose"] == 0
    test = images[64:]
    source, target = graph.inputs[0].tensor, graph.outputs[0].tensor
    expected = intaglio.load(graph).run({source: test})[target]
    result = one_by_one(ENGINES[engine], written, source, test)[target]
    if engine == "onnxruntime":
        assert np.mean(np.isclose(result, expected, rtol=1e-6)) >= 0.999
    assert np.mean(result.argmax(axis=1) == expected.argmax(axis=1)) >= 0.95


def _network(zero_point: int) -> Graph:
    """Convolutions, a sum and a classifier."""
    b, rng = Builder(), np.random.default_rng(2)

    def weights(*shape: int) -> Array:
        return rng.integers(-127, 128, shape).astype(np.int8)

    def scales(count: int) -> Any:
        return rng.uniform(0.002, 0.01, count).astype(np.float32)

    x = b.input("x", (1, 12, 12, 3), 0.02, zero_point)
    y = b.conv2d(x, weights(8, 3, 3, 3), scales(8), None, 0.05, zero_point, padding="same", activation="relu")
    z = b.depthwise_conv2d(y, weights(3, 3, 8), scales(8), None, 0.06, zero_point, padding="same")
    s = b.add(y, z, 0.09, zero_point)
    s = b.max_pool2d(s, 2)
    s = b.mean(s, (1, 2), 0.05, zero_point)
    b.output(b.fully_connected(s, weights(10, 8), scales(10), None, 0.2, zero_point))
    return b.build()


@pytest.mark.parametrize("zero_point", [0, -5])
def test_layout_and_types(zero_point: int) -> None:
    """Symmetric networks are int8 throughout; others uint8 inside. One transpose leads in."""
    graph = _network(zero_point)
    file = to_bytes(graph)
    model = onnx.load_model_from_string(file)
    assert operators(file)["Transpose"] == 1
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    inside = [constants[n.input[2]] for n in model.graph.node if n.op_type == "QuantizeLinear"]
    if zero_point == 0:
        assert all(zero.dtype == np.int8 and zero == 0 for zero in inside)
    else:
        assert [zero.dtype for zero in inside] == [np.uint8] * (len(inside) - 1) + [np.int8]
    batch = np.random.default_rng(0).integers(-128, 128, (1, 12, 12, 3)).astype(np.int8)
    expected = reference.run(graph, {"x": batch})
    result = run_onnxruntime(file, {"x": batch})
    (name,) = expected
    assert np.abs(result[name].astype(int) - expected[name]).max() <= 1


def _function_graph(function: str) -> Graph:
    b = Builder()
    x = b.input("x", (2, 128), 0.04, -3)
    b.output(b.unary(function, x, 0.03, 4))
    return b.build()


@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - LOOKED_UP))
def test_tables_become_the_functions_they_are(function: str) -> None:
    graph = _function_graph(function)
    file = to_bytes(graph)
    assert "Gather" not in operators(file)
    every = np.arange(-128, 128, dtype=np.int8).reshape(2, 128)
    (expected,) = reference.run(graph, {"x": every}).values()
    (result,) = run_onnxruntime(file, {"x": every}, optimized=False).values()
    assert np.abs(result.astype(int) - expected).max() <= 1


def test_other_tables_are_looked_up() -> None:
    b = Builder()
    table = np.random.default_rng(3).integers(-128, 128, 256).astype(np.int8)
    b.output(b.lookup(b.input("x", (256,), 0.1, 5, "uint8"), table, 0.2, 9), "uint8")
    file = to_bytes(b.build())
    (result,) = run_onnxruntime(file, {"x": np.arange(256, dtype=np.uint8)}).values()
    np.testing.assert_array_equal(result, table.view(np.uint8) ^ np.uint8(128))


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    graph = _network(0)
    graph.to_onnx(tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    with pytest.raises(FileNotFoundError):
        graph.to_onnx(tmp_path / "no folder" / "net.onnx")


def _batch_of(data: bytes) -> Any:
    """What the file says of the first axis of its input."""
    size = onnx.load_model_from_string(data).graph.input[0].type.tensor_type.shape.dim[0]
    return size.dim_param or size.dim_value


def test_any_batch_runs() -> None:
    b = Builder()
    x = b.input("x", (1, 6, 8, 4), 0.03, 2)
    y = b.resize_nearest(b.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0))), (14, 9))
    y = b.slice(y, (0, 2, 1, 0), (1, 9, 8, 4))
    y = b.max_pool2d(b.resize_bilinear(y, (7, 5), half_pixel_centers=True), 2)
    y = b.transpose(b.reshape(y, (1, 6, 4)), (0, 2, 1))
    y = b.concat([y, b.reshape(y, (1, 4, 6))], 2)
    b.output(b.softmax(b.reshape(y, (1, -1))))
    graph = b.build()
    file, batch = to_bytes(graph), np.random.default_rng(0).integers(-128, 128, (5, 6, 8, 4)).astype(np.int8)
    assert _batch_of(file) == "batch"
    (name, expected), *_ = reference.run(graph, {"x": batch}).items()
    result = run_onnxruntime(file, {"x": batch}, optimized=False)[name]
    assert result.shape == expected.shape
    assert np.abs(result.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("mixing", ["mean", "concat", "reshape", "transpose", "matmul"])
def test_a_batch_that_is_mixed_stays_as_it_is(mixing: str) -> None:
    b = Builder()
    x = b.input("x", (1, 4, 4), 0.1, 0)
    made = {
        "mean": lambda: b.mean(x, (0,), 0.1, 0, keepdims=True),
        "concat": lambda: b.slice(b.concat([x, x], 0), (0, 0, 0), (1, 4, 4)),
        "reshape": lambda: b.reshape(b.reshape(x, (2, 8)), (1, 16)),
        "transpose": lambda: b.reshape(b.transpose(x, (1, 0, 2)), (1, 16)),
        "matmul": lambda: b.batch_matmul(b.reshape(x, (1, 16)), b.reshape(x, (16, 1)), 0.1, 0),
    }[mixing]()
    b.output(made)
    graph = b.build()
    assert _batch_of(to_bytes(graph)) == 1
    inputs = {"x": np.random.default_rng(0).integers(-128, 128, (1, 4, 4)).astype(np.int8)}
    (name, expected), *_ = reference.run(graph, inputs).items()
    assert np.abs(run_onnxruntime(to_bytes(graph), inputs)[name].astype(int) - expected).max() <= 1

"""Real networks: float ones give ONNX Runtime's numbers, quantized ones its integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnx
import onnxruntime

import intaglio
from intaglio.conversion import convert
from intaglio.errors import NotQuantizedWarning

Array = NDArray[Any]
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def pictures(data: Path, count: int) -> Array:
    with np.load(data / "cifar10_dev.npz") as archive:
        images = archive["images"][:count].astype(np.float32) / 255
    return np.ascontiguousarray(((images - MEAN) / DEVIATION).transpose(0, 3, 1, 2))


def run_onnxruntime(network: bytes, inputs: dict[str, Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    # Otherwise int8 activations become uint8 inside, and most convolutions then run in float32.
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def test_resnet20_in_float(data: Path) -> None:
    path = data / "models" / "resnet20_cifar10_fp32.onnx"
    x = pictures(data, 16)
    with pytest.warns(NotQuantizedWarning, match="not quantized"):
        model = intaglio.load(path)
    assert (model.inputs[0].name, model.inputs[0].shape) == ("x", (1, 3, 32, 32))
    (expected,) = run_onnxruntime(path.read_bytes(), {"x": x})
    np.testing.assert_allclose(model(x), expected, rtol=0, atol=1e-4)
    assert [node.op for node in convert(path).nodes].count("transpose") == 1


def test_ultraface_in_float(data: Path) -> None:
    path = data / "models" / "ultraface_rfb_320_fp32.onnx"
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, 240, 320)).astype(np.float32)
    graph = convert(path)
    results = intaglio.load(graph).run({"input": x})
    scores, boxes = run_onnxruntime(path.read_bytes(), {"input": x})
    np.testing.assert_allclose(results["scores"], scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(results["boxes"], boxes, rtol=0, atol=1e-5)
    assert [node.op for node in graph.nodes].count("transpose") == 1


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_what_onnxruntime_quantizes(form: str, activations: str, per_channel: bool, data: Path, tmp_path: Path) -> None:
    """All but one of a thousand integers of the last tensor are equal, though a difference anywhere spreads."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    x = pictures(data, 160)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.batches = iter([{"x": x[i : i + 16]} for i in range(0, 32, 16)])

        def get_next(self) -> dict[str, Array] | None:
            return next(self.batches, None)

    path = tmp_path / "net.onnx"
    quantization.quantize_static(
        str(data / "models" / "resnet20_cifar10_fp32.onnx"), str(path), Reader(), per_channel=per_channel,
        quant_format=quantization.QuantFormat[form], activation_type=quantization.QuantType[activations],
    )  # fmt: skip
    graph = convert(path)
    assert not [node.name for node in graph.nodes if node.op.startswith("float_")]
    network = path.read_bytes()
    proto = onnx.load_model_from_string(network)
    name = next(node.input[1] for node in reversed(proto.graph.node) if node.op_type == "DequantizeLinear")
    scale = next(onnx.numpy_helper.to_array(t) for t in proto.graph.initializer if t.name == name)
    (expected,) = run_onnxruntime(network, {"x": x})
    steps = np.rint((intaglio.load(graph)(x) - expected) / scale)
    assert np.mean(steps == 0) >= 0.999

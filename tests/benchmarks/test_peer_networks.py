"""The networks made for comparing engines are those they are named after, and every engine can agree on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import intaglio

pytest.importorskip("onnx", reason="needs the package onnx")

from peers import float_onnx
from peers.networks import MADE, prepare, random_inputs

#: Multiply-accumulates of the published networks, in millions, with all their convolutions and matrix products.
MMACS = {"ResNet-50": 4089, "ResNet-18": 1814, "MobileNetV2 (QDQ)": 301, "MLP": 0.109}


@pytest.mark.parametrize("name", MADE)
def test_made_networks_do_the_work_of_those_they_are_named_after(name: str, tmp_path: Path) -> None:
    make, shape = MADE[name]
    make(tmp_path / "float32.onnx")
    model = intaglio.load(intaglio.convert(tmp_path / "float32.onnx"), threads=1)
    assert model.inputs[0].shape == (1, *shape)
    assert sum(step.macs for step in model.plan()) / 1e6 == pytest.approx(MMACS[name], rel=0.005)


def test_made_networks_are_the_same_each_time(tmp_path: Path) -> None:
    files = [tmp_path / "a" / "net.onnx", tmp_path / "b" / "net.onnx"]
    for file in files:
        file.parent.mkdir()
        float_onnx.mlp(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_quantized_networks_have_the_form_that_peers_are_made_for(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime, which quantizes")
    network = prepare("MLP", tmp_path)
    assert network is not None
    model = onnx.load(network.onnx)
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    quantized = {node.output[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
    dequantized = {node.output[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"}
    products = [node for node in model.graph.node if node.op_type == "Gemm"]
    assert len(products) == 3
    for node in products:
        activation, weight = (dequantized[name] for name in node.input[:2])
        assert types[quantized[activation.input[0]].input[2]] == onnx.TensorProto.UINT8
        assert types[weight.input[0]] == onnx.TensorProto.INT8
        scales = {tensor.name: tensor for tensor in model.graph.initializer}[weight.input[1]]
        assert onnx.numpy_helper.to_array(scales).size > 1, "a scale per channel"

    x, _ = random_inputs(network, batch=8)
    answers = intaglio.load(network.intaglio)(x)
    session = onnxruntime.InferenceSession(str(network.onnx), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], answers)
    assert len(set(answers.argmax(axis=1))) > 1, "the answer depends on the input"

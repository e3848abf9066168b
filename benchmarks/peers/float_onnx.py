"""Float32 ONNX networks with random weights, in the shapes of well-known ones.

Weights keep the spread of activations about the same from layer to layer, and every residual branch adds a part of
what it is added to: the answers stay finite and depend on the input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RESIDUAL_GAIN = 0.5


class Writer:
    """Collects nodes; every method takes and gives names of tensors."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        output = f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def conv(
        self, x: str, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, gain: float = 1.0
    ) -> str:
        depth = inputs // groups
        weight = self._rng.normal(0, gain * np.sqrt(2 / (depth * kernel**2)), (outputs, depth, kernel, kernel))
        if depth > 1:
            weight -= weight.mean(axis=(1, 2, 3), keepdims=True)
        bias = self._rng.normal(0, 0.1, outputs)
        padding = [kernel // 2] * 4
        return self.node(
            "Conv",
            x,
            self.constant(weight),
            self.constant(bias),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=padding,
            group=groups,
        )

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        weight = self._rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs))
        weight -= weight.mean(axis=1, keepdims=True)
        return self.node("Gemm", x, self.constant(weight), self.constant(self._rng.normal(0, 0.1, outputs)), transB=1)

    def relu6(self, x: str) -> str:
        return self.node("Clip", x, self.constant(np.array(0.0)), self.constant(np.array(6.0)))

    def classifier(self, x: str, channels: int, classes: int) -> str:
        return self.dense(self.node("Flatten", self.node("GlobalAveragePool", x)), channels, classes)

    def constant(self, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def save(self, path: Path, input_shape: tuple[int, ...], output: str, classes: int) -> None:
        """Any batch of inputs "x" to scores "y" of the classes."""
        import onnx
        from onnx import TensorProto, helper

        self._nodes[-1].output[0] = "y"
        assert output == self._nodes[-1].name, "the last node makes the output"
        graph = helper.make_graph(
            self._nodes,
            path.stem,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *input_shape])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", classes])],
            self._weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())


def resnet18(path: Path) -> None:
    writer = Writer(18)
    x, channels = _resnet_stem(writer), 64
    for stage, width in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            y = writer.node("Relu", writer.conv(x, channels, width, 3, stride))
            y = writer.conv(y, width, width, 3, gain=_RESIDUAL_GAIN)
            shortcut = writer.conv(x, channels, width, 1, stride) if stride > 1 else x
            x, channels = writer.node("Relu", writer.node("Add", y, shortcut)), width
    writer.save(path, (3, 224, 224), writer.classifier(x, channels, 1000), 1000)


def resnet50(path: Path) -> None:
    """Strides lie on the 3x3 convolutions."""
    writer = Writer(50)
    x, channels = _resnet_stem(writer), 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            y = writer.node("Relu", writer.conv(x, channels, width, 1))
            y = writer.node("Relu", writer.conv(y, width, width, 3, stride))
            y = writer.conv(y, width, 4 * width, 1, gain=_RESIDUAL_GAIN)
            shortcut = writer.conv(x, channels, 4 * width, 1, stride) if block == 0 else x
            x, channels = writer.node("Relu", writer.node("Add", y, shortcut)), 4 * width
    writer.save(path, (3, 224, 224), writer.classifier(x, channels, 1000), 1000)


def _resnet_stem(writer: Writer) -> str:
    x = writer.node("Relu", writer.conv("x", 3, 64, 7, 2))
    return writer.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def mobilenet_v2(path: Path) -> None:
    """Width 1.0."""
    writer = Writer(2)
    x, channels = writer.relu6(writer.conv("x", 3, 32, 3, 2)), 32
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, outputs, blocks, first_stride in stages:
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            wide = channels * expansion
            y = writer.relu6(writer.conv(x, channels, wide, 1)) if expansion > 1 else x
            y = writer.relu6(writer.conv(y, wide, wide, 3, stride, groups=wide))
            if stride == 1 and channels == outputs:
                x = writer.node("Add", x, writer.conv(y, wide, outputs, 1, gain=_RESIDUAL_GAIN))
            else:
                x = writer.conv(y, wide, outputs, 1)
            channels = outputs
    x = writer.relu6(writer.conv(x, channels, 1280, 1))
    writer.save(path, (3, 224, 224), writer.classifier(x, 1280, 1000), 1000)


def mlp(path: Path) -> None:
    """Three layers, for pictures of 28x28 in a row."""
    writer = Writer(784)
    x = writer.node("Relu", writer.dense("x", 784, 128))
    x = writer.node("Relu", writer.dense(x, 128, 64))
    writer.save(path, (784,), writer.dense(x, 64, 10), 10)

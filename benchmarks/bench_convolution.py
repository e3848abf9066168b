"""ResNet-50's convolutions and MobileNetV2's depthwise ones in int8, and in float32 by ONNX Runtime."""

from __future__ import annotations

from typing import Any

import pytest

import data
import intaglio
import layers
from shapes import MOBILENET_V2_DEPTHWISE, RESNET50, Convolution

convolutions = pytest.mark.parametrize("convolution", [*RESNET50, *MOBILENET_V2_DEPTHWISE], ids=str)


def group(convolution: Convolution) -> str:
    return f"{'depthwise ' * convolution.depthwise}convolution {convolution}"


@convolutions
def bench_intaglio(benchmark: Any, convolution: Convolution) -> None:
    benchmark.group = group(convolution)
    model = intaglio.load(layers.convolution(convolution), threads=1)
    benchmark(model, data.random_array(model.inputs[0].shape, "int8"))


@convolutions
def bench_onnxruntime_float32(benchmark: Any, convolution: Convolution) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    import onnx_float32

    benchmark.group = group(convolution)
    benchmark(onnx_float32.runner(convolution))

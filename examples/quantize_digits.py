"""Quantizes the demo's trained network to int8 with intaglio.Builder.

    python examples/quantize_digits.py [digits.intaglio]

Post-training quantization at its plainest: activations by their range over the training split, weights per output
channel by their largest value, biases in int32. The float32 weights and the ranges are read from the package.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

import intaglio
from intaglio.demo import network
from intaglio.demo.network import Array

#: A picture holds 0 to 16 in uint8; as a real number it is a sixteenth of that, exactly.
IMAGE_SCALE = 1 / 16


def quantize_range(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of the int8 values that cover a range, which always includes zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    return scale, round(-128 - low / scale)


def quantize_weight(weight: Array, channel_axis: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Symmetric int8 weights and their scale for each output channel."""
    others = tuple(axis for axis in range(weight.ndim) if axis != channel_axis)
    scale = np.abs(weight).max(axis=others, keepdims=True).astype(np.float64) / 127
    return np.rint(weight / scale).astype(np.int8), scale.reshape(-1)


def quantize(digits: network.Digits) -> intaglio.Graph:
    """The int8 network: uint8 pictures in, int8 logits out."""
    parameters, ranges = digits.parameters, digits.ranges
    builder = intaglio.Builder(metadata={"source": "examples/quantize_digits.py"})

    def bias(name: str, input_scale: float, weight_scale: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.rint(parameters[f"{name}/bias"] / (input_scale * weight_scale)).astype(np.int32)

    x = builder.input("image", (1, *network.IMAGE), scale=IMAGE_SCALE, zero_point=0, dtype="uint8")
    scale = IMAGE_SCALE
    tensors = {}
    for layer in network.LAYERS:
        weight, weight_scale = quantize_weight(
            parameters[f"{layer.name}/weight"], channel_axis=0 if layer.kind == "conv" else 2
        )
        add_layer = builder.conv2d if layer.kind == "conv" else builder.depthwise_conv2d
        out_scale, zero_point = quantize_range(*ranges[layer.name])
        x = tensors[layer.name] = add_layer(
            x,
            weight,
            weight_scale,
            bias(layer.name, scale, weight_scale),
            out_scale,
            zero_point,
            stride=layer.stride,
            padding="same",
            activation="relu" if layer.relu else None,
            name=layer.name,
        )
        scale = out_scale
        if layer.residual is not None:
            name = f"{layer.name}/sum"
            scale, zero_point = quantize_range(*ranges[name])
            x = builder.add(x, tensors[layer.residual], scale, zero_point, activation="relu", name=name)
    scale, zero_point = quantize_range(*ranges["mean"])
    x = builder.mean(x, (1, 2), scale, zero_point, name="mean")
    weight, weight_scale = quantize_weight(parameters["classifier/weight"], channel_axis=0)
    logits = builder.fully_connected(
        x,
        weight,
        weight_scale,
        bias("classifier", scale, weight_scale),
        *quantize_range(*ranges["logits"]),
        name="logits",
    )
    builder.output(logits)
    return builder.build()


if __name__ == "__main__":
    quantize(network.load()).save(sys.argv[1] if len(sys.argv) > 1 else "digits.intaglio")

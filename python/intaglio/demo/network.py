"""The demo network: a small residual CNN for 8x8 digits, defined once for training, quantization and the demo.

`forward` runs it in float32 with NumPy, batch normalization already folded into weights and biases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A convolution with "same" padding, a bias and, unless it is linear, a ReLU."""

    name: str
    kind: Literal["conv", "depthwise"]
    #: "conv": (output channels, height, width, input channels); "depthwise": (height, width, channels).
    weight: tuple[int, ...]
    stride: int = 1
    relu: bool = True
    #: Name of the layer whose output is added, followed by a ReLU.
    residual: str | None = None

    @property
    def channels(self) -> int:
        return self.weight[0] if self.kind == "conv" else self.weight[-1]


LAYERS: Final = (
    Layer("stem", "conv", (24, 3, 3, 1)),
    Layer("depthwise1", "depthwise", (3, 3, 24)),
    Layer("pointwise1", "conv", (48, 1, 1, 24)),
    Layer("depthwise2", "depthwise", (3, 3, 48), stride=2),
    Layer("pointwise2", "conv", (64, 1, 1, 48)),
    Layer("depthwise3", "depthwise", (3, 3, 64)),
    Layer("pointwise3", "conv", (64, 1, 1, 64), relu=False, residual="pointwise2"),
)
#: After the layers: the mean over the picture, then this fully connected layer.
CLASSIFIER: Final = (10, 64)
IMAGE: Final = (8, 8, 1)


@dataclass(frozen=True)
class Digits:
    """What the package ships: float32 parameters, the activations' ranges, the test split."""

    parameters: dict[str, Array]
    #: (lowest, highest) value of every activation over the training split.
    ranges: dict[str, tuple[float, float]]
    #: uint8 [N,8,8,1], 0 to 16.
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def load() -> Digits:
    """Reads the digits.npz that ships in the package."""
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as data:
        arrays: dict[str, NDArray[Any]] = dict(data)
    return Digits(
        parameters={name[len("parameter/") :]: arrays[name] for name in arrays if name.startswith("parameter/")},
        ranges={
            name[len("range/") :]: (float(arrays[name][0]), float(arrays[name][1]))
            for name in arrays
            if name.startswith("range/")
        },
        images=arrays["images"],
        labels=arrays["labels"],
    )


def patches(x: Array, kernel: int, stride: int) -> Array:
    """[N,H,W,C] to its "same"-padded windows, [N,H/stride,W/stride,C,kernel,kernel]."""
    # As TensorFlow pads: an odd remainder goes to the bottom and the right.
    total = max(kernel - stride, 0) if stride > 1 else kernel - 1
    before = total // 2
    edges = (before, total - before)
    padded = np.pad(x, ((0, 0), edges, edges, (0, 0)))
    return sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]


def convolve(layer: Layer, x: Array, weight: Array) -> Array:
    """The layer's convolution, without bias and activation."""
    if layer.kind == "conv":
        kernel = weight.shape[1]
        windows = patches(x, kernel, layer.stride)
        columns = windows.reshape(*windows.shape[:3], -1)
        result: Array = columns @ weight.transpose(3, 1, 2, 0).reshape(-1, weight.shape[0])
        return result
    windows = patches(x, weight.shape[0], layer.stride)
    depthwise: Array = np.einsum("nhwckl,klc->nhwc", windows, weight, optimize=True)
    return depthwise


def forward(parameters: Mapping[str, Array], images: NDArray[np.uint8]) -> dict[str, Array]:
    """Every activation by name for pictures [N,8,8,1]; "logits" is the answer."""
    x = images.astype(np.float32) / np.float32(16)
    activations = {"image": x}
    for layer in LAYERS:
        x = convolve(layer, x, parameters[f"{layer.name}/weight"]) + parameters[f"{layer.name}/bias"]
        if layer.relu:
            x = np.maximum(x, 0)
        activations[layer.name] = x
        if layer.residual is not None:
            x = np.maximum(x + activations[layer.residual], 0)
            activations[f"{layer.name}/sum"] = x
    x = x.mean(axis=(1, 2))
    activations["mean"] = x
    activations["logits"] = x @ parameters["classifier/weight"].T + parameters["classifier/bias"]
    return activations

"""A network whose channels differ in size by hundreds, which 256 steps for all of them cannot hold, quantized anyway.

    pip install .[onnx] torch scikit-learn
    python examples/skewed_channels.py

Trains a small separable network on scikit-learn's handwritten digits, with weights that are parametrized at a different
size for each channel, and prints the share of test pictures read right by the floats and by int8 networks made with
and without recovery (docs/quantization.md).
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import intaglio
from intaglio.errors import NotQuantizedWarning

TRAINING = 1200
BATCH = 48
EPOCHS = 40
#: Gains of channels reach from 2^-SPREAD to 2^SPREAD.
SPREAD = 4.0
#: (output channels, stride) of each separable block.
BLOCKS = ((48, 1), (64, 2), (64, 1), (96, 2))

Array = NDArray[Any]


class Convolution(nn.Module):  # type: ignore[misc, unused-ignore]
    """Weights are trained at one size for all channels; the gains of this layer and the last set the real ones."""

    def __init__(self, channels: int, kernel: int, before: Tensor, *, stride: int = 1, depthwise: bool = False) -> None:
        super().__init__()
        inputs = 1 if depthwise else len(before)
        self.weight = nn.Parameter(torch.randn(channels, inputs, kernel, kernel) * (2 / (inputs * kernel**2)) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.gain: Tensor
        self.before: Tensor
        self.register_buffer("gain", 2 ** (SPREAD * (2 * torch.rand(channels) - 1)))
        self.register_buffer("before", before.reshape((-1, 1, 1, 1) if depthwise else (1, -1, 1, 1)))
        self.window = {"stride": stride, "padding": kernel // 2, "groups": len(before) if depthwise else 1}

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.gain.reshape(-1, 1, 1, 1) / self.before
        return nn.functional.relu(nn.functional.conv2d(x, weight, self.bias * self.gain, **self.window))


class Classifier(nn.Module):  # type: ignore[misc, unused-ignore]
    """The mean of each channel, and a linear layer."""

    def __init__(self, before: Tensor) -> None:
        super().__init__()
        self.linear = nn.Linear(len(before), 10)
        self.before: Tensor
        self.register_buffer("before", before)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x.mean((2, 3)), self.linear.weight / self.before, self.linear.bias)


def digits() -> tuple[Array, NDArray[np.int64]]:
    """Pictures [N, 1, 8, 8] from 0 to 1, and labels, in a fixed shuffled order."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return (data.images[order][:, None] / 16).astype(np.float32), data.target[order].astype(np.int64)


def network() -> nn.Sequential:
    layers = [Convolution(32, 3, torch.ones(1))]
    for channels, stride in BLOCKS:
        gain = layers[-1].gain
        layers.append(Convolution(len(gain), 3, gain, stride=stride, depthwise=True))
        layers.append(Convolution(channels, 1, layers[-1].gain))
    return nn.Sequential(*layers, Classifier(layers[-1].gain))


def train(net: nn.Module, x: Tensor, labels: Tensor) -> None:
    steps = len(x) // BATCH
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, epochs=EPOCHS, steps_per_epoch=steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for chosen in order[: steps * BATCH].reshape(steps, BATCH):
            down, right = torch.randint(-1, 2, (2,)).tolist()
            shifted = torch.roll(x[chosen], (down, right), (2, 3))
            loss = nn.functional.cross_entropy(net(shifted), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main() -> None:
    warnings.simplefilter("ignore", NotQuantizedWarning)
    torch.manual_seed(0)
    x, labels = digits()
    net = network()
    train(net, torch.tensor(x[:TRAINING]), torch.tensor(labels[:TRAINING]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        axes = {"x": {0: "n"}, "y": {0: "n"}}
        arguments = (torch.tensor(x[:1]),)
        torch.onnx.export(
            net, arguments, str(path), input_names=["x"], output_names=["y"], dynamic_axes=axes, dynamo=False
        )
        source = intaglio.convert(path)

    def accuracy(graph: intaglio.Graph) -> str:
        scores = intaglio.load(graph)(x[TRAINING:])
        return f"{(scores.argmax(1) == labels[TRAINING:]).mean():6.1%}"

    print(f"float32{accuracy(source):>42}")
    for per_channel in (False, True):
        for recover in ((), ("bias",), ("equalize",), ("equalize", "bias")):
            graph = intaglio.quantize(
                source, x[:512], per_channel=per_channel, calibration_method="min_max", recover=recover, progress=False
            )
            scales = "per channel" if per_channel else "per tensor"
            print(f"int8, weights {scales:<12} {' and '.join(recover) or 'no recovery':<18}{accuracy(graph)}")


if __name__ == "__main__":
    main()

"""From a PyTorch module to an int8 network, by way of ONNX.

    pip install intaglio[onnx] torch
    python examples/from_pytorch.py [network.intaglio]

The module here is small and untrained, and its calibration data is random: with your own, the same lines apply.
"""

from __future__ import annotations

import io
import sys
import warnings

import numpy as np
import torch
from torch import nn

import intaglio
from intaglio.errors import NotQuantizedWarning


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        nn.BatchNorm2d(16),
        nn.SiLU(),
        nn.Conv2d(16, 32, 1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).eval()


def exported(network: nn.Module, example: torch.Tensor) -> bytes:
    """The module as an .onnx file whose first axis is open."""
    file = io.BytesIO()
    torch.onnx.export(
        network, (example,), file, input_names=["image"], output_names=["scores"],
        dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    return file.getvalue()


def main(arguments: list[str]) -> None:
    network = module()
    images = torch.rand(256, 3, 32, 32)
    data = exported(network, images[:1])

    with torch.no_grad():
        expected = network(images).numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotQuantizedWarning)
        floats = intaglio.load(data)(images.numpy())
    print(f"float32: largest difference from PyTorch {np.abs(floats - expected).max():.2g}")

    graph = intaglio.quantize(data, [images[i : i + 32].numpy() for i in range(0, 256, 32)], progress=False)
    scores = np.asarray(intaglio.load(graph)(images.numpy()))
    print(f"int8: same class as PyTorch for {np.mean(scores.argmax(1) == expected.argmax(1)):.1%} of the images")
    for path in arguments:
        graph.save(path)
        print(f"saved {path}")


if __name__ == "__main__":
    main(sys.argv[1:])

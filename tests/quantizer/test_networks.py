"""Trained networks quantized: accuracy on pictures, and agreement with their floats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import intaglio

MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])

Array = NDArray[Any]


@pytest.fixture(scope="module")
def cifar(data: Path) -> tuple[Array, Array]:
    archive = np.load(data / "cifar10_dev.npz")
    return archive["images"].astype(np.float32), archive["labels"].reshape(-1)


def in_batches(model: intaglio.Model, x: Array) -> Array:
    """What the model gives for many pictures."""
    return np.concatenate([model(x[i : i + 100]) for i in range(0, len(x), 100)])


@pytest.mark.filterwarnings("ignore:.*not quantized")
@pytest.mark.parametrize("method", ["mse", "min_max"])
def test_resnet20(data: Path, cifar: tuple[Array, Array], method: str) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    path = data / "models" / "resnet20_cifar10_fp32.onnx"
    images, labels = cifar
    x = ((images / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2)
    quantized = intaglio.quantize(path, x[:512], calibration_method=method, progress=False)
    assert not any(node.op.startswith("float") for node in quantized.nodes)
    y, expected = (in_batches(intaglio.load(source), x[512:]) for source in (quantized, path))
    right, floats_right = ((scores.argmax(1) == labels[512:]).mean() for scores in (y, expected))
    assert right >= floats_right - 0.001
    assert (y.argmax(1) == expected.argmax(1)).mean() > 0.98


@pytest.mark.filterwarnings("ignore:.*not quantized")
def test_resnet8(data: Path, cifar: tuple[Array, Array]) -> None:
    """Closer to the floats than the int8 file that is published beside them."""
    images, labels = cifar
    models = data / "models"
    quantized = intaglio.quantize(models / "mlperf_resnet8_fp32.tflite", images[:512], progress=False)
    ours, floats, published = (
        in_batches(intaglio.load(source), images[512:])
        for source in (quantized, models / "mlperf_resnet8_fp32.tflite", models / "mlperf_resnet8_int8.tflite")
    )
    right, floats_right = ((scores.argmax(1) == labels[512:]).mean() for scores in (ours, floats))
    assert right >= floats_right - 0.003
    assert np.abs(ours - floats).mean() < np.abs(published - floats).mean()


@pytest.mark.filterwarnings("ignore:.*not quantized")
@pytest.mark.parametrize("name", ["ad", "kws", "vww"])
def test_networks_without_labels(data: Path, name: str) -> None:
    """On smooth noise over the range of the published network's input."""
    models = data / "models"
    published = intaglio.load(models / f"mlperf_{name}_int8.tflite")
    (port,) = published.inputs
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(300, *port.shape[1:])) + rng.normal(size=(300, *[1] * (len(port.shape) - 1)))
    x = (port.scale * (np.clip(40 * noise, -128, 127) - port.zero_point)).astype(np.float32)
    path = models / f"mlperf_{name}_fp32.tflite"
    quantized = intaglio.quantize(path, x[:100], progress=False)
    ours, floats = (intaglio.load(source)(x[100:]) for source in (quantized, path))
    theirs = published(x[100:])
    assert np.abs(ours - floats).mean() < np.abs(theirs - floats).mean()


@pytest.mark.filterwarnings("ignore:.*not quantized")
def test_ultraface(data: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")

    def prepared(path: Path) -> Array:
        pixels = np.asarray(image.open(path).convert("RGB").resize((320, 240)), np.float32)
        return ((pixels - 127) / 128).transpose(2, 0, 1)[None]

    def pictures() -> Iterator[Array]:
        yield from map(prepared, sorted((data / "images" / "imagenet_dev").glob("*.jpg"))[:200])

    path = data / "models" / "ultraface_rfb_320_fp32.onnx"
    quantized = intaglio.quantize(path, pictures(), progress=False)
    face = {"input": prepared(data / "images" / "grace_hopper.jpg")}
    found = []
    for source in (quantized, path):
        outputs = intaglio.load(source).run(face)
        best = outputs["scores"][0, :, 1].argmax()
        found.append((outputs["scores"][0, best, 1], outputs["boxes"][0, best]))
    (score, box), (float_score, float_box) = found
    assert abs(score - float_score) < 0.02
    assert overlap(box, float_box) > 0.9


def overlap(a: Array, b: Array) -> float:
    """Intersection over union of (left, top, right, bottom)."""
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = max(width, 0) * max(height, 0)
    return float(both / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both))

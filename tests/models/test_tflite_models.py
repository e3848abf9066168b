"""Whole int8 .tflite networks: bits of TFLite's reference kernels, closeness to its default ones, accuracy."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from int8_networks import NETWORKS
from numpy.typing import NDArray

import intaglio

Array = NDArray[Any]


@cache
def photographs(data: Path, count: int) -> Array:
    """Pixels of the first photographs."""
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    files = sorted((data / "images" / "imagenet_dev").glob("*.jpg"))[:count]
    return np.stack([np.asarray(image.open(file).convert("RGB")) for file in files])


def real_inputs(data: Path, name: str, count: int) -> Array:
    """Pictures for the networks that take them, random walks as sounds for the others."""
    if "mobilenet" in name:
        return photographs(data, count)
    if "vww" in name:
        # Every second pixel of the middle.
        return signed(photographs(data, count)[:, 16:208:2, 16:208:2])
    if "resnet8" in name:
        with np.load(data / "cifar10_dev.npz") as file:
            return signed(file["images"][:count])
    shape = {"mlperf_kws_int8": (49, 10, 1), "mlperf_sww_int8": (30, 1, 40), "mlperf_ad_int8": (640,)}[name]
    walk = np.cumsum(np.random.default_rng(5).normal(0, 6, (count, *shape)), axis=1)
    return np.clip(np.rint(walk), -128, 127).astype(np.int8)


def random_inputs(like: Array, count: int) -> Array:
    """The full range."""
    values = np.random.default_rng(1).integers(0, 256, (count, *like.shape[1:]))
    return values.astype(np.uint8).view(like.dtype)


def signed(pixels: Array) -> Array:
    return (pixels ^ np.uint8(0x80)).view(np.int8)


def run_litert(path: Path, inputs: Array, *, reference: bool) -> Array:
    """TFLite, one input at a time."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    types = interpreter.OpResolverType
    kernels = types.BUILTIN_REF if reference else types.AUTO
    litert = interpreter.Interpreter(str(path), experimental_op_resolver_type=kernels)
    litert.allocate_tensors()
    source, target = litert.get_input_details()[0]["index"], litert.get_output_details()[0]["index"]
    outputs = []
    for value in inputs:
        litert.set_tensor(source, value[None])
        litert.invoke()
        outputs.append(litert.get_tensor(target)[0])
    return np.stack(outputs)


def inputs_of(data: Path, name: str, count: int) -> Array:
    real = real_inputs(data, name, count)
    return np.concatenate([real, random_inputs(real, count)])


@pytest.mark.parametrize("name", NETWORKS)
def test_fixed_equals_reference_kernels(name: str, data: Path) -> None:
    path = data / "models" / f"{name}.tflite"
    inputs = inputs_of(data, name, 3)
    expected = run_litert(path, inputs, reference=True)
    for tier in intaglio.cpu.tiers():
        model = intaglio.load(path, requant="fixed", isa=tier)
        np.testing.assert_array_equal(model(inputs, raw=True), expected, err_msg=f"on {tier}")


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_fixed_equals_reference_kernels_on_many_inputs(name: str, data: Path) -> None:
    path = data / "models" / f"{name}.tflite"
    inputs = inputs_of(data, name, 100)
    model = intaglio.load(path, requant="fixed")
    np.testing.assert_array_equal(model(inputs, raw=True), run_litert(path, inputs, reference=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_equals_default_kernels(name: str, data: Path) -> None:
    """All but a softmax value that lies next to a half (docs/tflite.md)."""
    path = data / "models" / f"{name}.tflite"
    inputs = inputs_of(data, name, 50)
    result, expected = intaglio.load(path)(inputs, raw=True), run_litert(path, inputs, reference=False)
    difference = np.abs(result.astype(np.int16) - expected.astype(np.int16))
    assert difference.max() <= 1
    assert np.mean(difference != 0) <= 1e-4


def test_accuracy_of_resnet8(data: Path) -> None:
    with np.load(data / "cifar10_dev.npz") as file:
        images, labels = signed(file["images"]), file["labels"].reshape(-1)
    model = intaglio.load(data / "models" / "mlperf_resnet8_int8.tflite")
    assert np.mean(model(images, raw=True).argmax(axis=1) == labels) >= 0.7580


def test_accuracy_of_mobilenet_v2(data: Path) -> None:
    images = photographs(data, 500)
    files = sorted((data / "images" / "imagenet_dev").glob("*.jpg"))
    labels = np.array([int(file.name[:4]) for file in files])
    model = intaglio.load(data / "models" / "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    # Class 0 is the background.
    assert np.mean(model(images, raw=True).argmax(axis=1) - 1 == labels) >= 0.8560

"""The demo: a small int8 CNN that reads handwritten digits, next to the float32 network it was made from."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import intaglio
from intaglio import cpu
from intaglio.demo import network


@dataclass(frozen=True)
class Contender:
    """One of the two networks, measured on the test split."""

    name: str
    predictions: NDArray[np.intp]
    correct: int
    #: Of the parameters (float32) or the file (int8).
    bytes: int
    seconds_per_picture: float
    seconds_for_all: float


@dataclass(frozen=True)
class Result:
    digits: network.Digits
    float32: Contender
    int8: Contender
    #: Whether the logits have the same bits on every tier of this CPU.
    fingerprints: dict[str, str]


def model_bytes() -> bytes:
    """The int8 network that ships in the package, as the bytes of an .intaglio file."""
    return Path(__file__).with_name("digits.intaglio").read_bytes()


def fingerprints() -> dict[str, str]:
    """SHA-256 of the raw outputs for the whole test split, on every tier of this CPU."""
    images = network.load().images
    hashes = {}
    for tier in cpu.tiers():
        (output,) = intaglio.load(model_bytes(), isa=tier).run({"image": images}, raw=True).values()
        hashes[tier] = hashlib.sha256(output.tobytes()).hexdigest()
    return hashes


def run() -> Result:
    """Runs both networks on the test split."""
    digits = network.load()
    model = intaglio.load(model_bytes())

    def float32(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return network.forward(digits.parameters, images)["logits"]

    def int8(images: NDArray[np.uint8]) -> NDArray[np.int8]:
        (output,) = model.run({"image": images}, raw=True).values()
        return output

    parameter_bytes = sum(parameter.nbytes for parameter in digits.parameters.values())
    return Result(
        digits=digits,
        float32=_measure("float32", float32, digits, parameter_bytes),
        int8=_measure("int8", int8, digits, len(model_bytes())),
        fingerprints=fingerprints(),
    )


def _measure(
    name: str,
    classify: Callable[[NDArray[np.uint8]], NDArray[np.generic]],
    digits: network.Digits,
    size: int,
) -> Contender:
    predictions = classify(digits.images).argmax(axis=1)
    one = digits.images[:1]
    return Contender(
        name=name,
        predictions=predictions,
        correct=int((predictions == digits.labels).sum()),
        bytes=size,
        seconds_per_picture=_median_seconds(lambda: classify(one), repeats=200),
        seconds_for_all=_median_seconds(lambda: classify(digits.images), repeats=5),
    )


def _median_seconds(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)

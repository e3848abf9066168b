"""One-op .tflite networks for every op the frontend reads: what a case is, and all of them by name.

A case draws shapes and quantization from a generator, so a seed is a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_writer import Writer

Rng = np.random.Generator
#: Adds the op to a network and gives its outputs.
Case = Callable[[Writer, Rng], Sequence[int]]

CASES: dict[str, Case] = {}
#: Cases that TFLite has for int8 only.
INT8_ONLY: set[str] = set()

SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)


def case(name: str, *, int8_only: bool = False) -> Callable[[Case], Case]:
    def register(make: Case) -> Case:
        CASES[name] = make
        if int8_only:
            INT8_ONLY.add(name)
        return make

    return register


def scale(rng: Rng, low: float = 0.01, high: float = 0.2) -> float:
    return float(np.float32(rng.uniform(low, high)))


def zero_point(rng: Rng) -> int:
    return int(rng.integers(-128, 128))


def quantization(rng: Rng) -> tuple[float, int]:
    return scale(rng), zero_point(rng)


def int8s(rng: Rng, *shape: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, shape).astype(np.int8)


def weights(net: Writer, rng: Rng, shape: Sequence[int], axis: int) -> int:
    """Per channel for int8; with a zero point for uint8."""
    data = int8s(rng, *shape)
    if net.dtype == "uint8":
        return net.constant(data, scale(rng, 0.002, 0.02), zero_point(rng))
    scales = rng.uniform(0.002, 0.02, shape[axis]).astype(np.float32)
    return net.constant(np.maximum(data, -127), scales, np.zeros(shape[axis], int), axis=axis)


def bias(net: Writer, rng: Rng, x: int, w: int, count: int) -> int:
    """With the scale that TFLite asks for."""
    scales = np.float32(net.tensors[x].scale[0]) * np.asarray(net.tensors[w].scale, np.float32)
    return net.constant(rng.integers(-2000, 2000, count).astype(np.int32), scales, np.zeros(scales.size, int))


def like(net: Writer, x: int, shape: Sequence[int]) -> int:
    """An output with the quantization of x."""
    offset = 128 if net.tensors[x].dtype == "uint8" else 0
    return net.tensor(shape, net.tensors[x].scale, np.array(net.tensors[x].zero_point) - offset)


def image(net: Writer, rng: Rng, *shape: int) -> int:
    return net.input(shape, *quantization(rng))


def one(op: str, net: Writer, x: int | Sequence[int], y: int, table: str = "", **options: Any) -> list[int]:
    net.operator(op, [x] if isinstance(x, int) else x, [y], table, **options)
    return [y]

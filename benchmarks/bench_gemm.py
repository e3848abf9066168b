"""Fully connected layers in int8, and the same matrix product in float32 by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import data
import intaglio
import layers
from shapes import GEMM

shapes = pytest.mark.parametrize(("rows", "inputs", "outputs"), GEMM)


@shapes
def bench_intaglio(benchmark: Any, rows: int, inputs: int, outputs: int) -> None:
    benchmark.group = f"matrix product {rows}x{inputs}x{outputs}"
    model = intaglio.load(layers.fully_connected(rows, inputs, outputs), threads=1)
    benchmark(model, data.random_array((rows, inputs), np.int8))


@shapes
def bench_numpy_float32(benchmark: Any, rows: int, inputs: int, outputs: int) -> None:
    benchmark.group = f"matrix product {rows}x{inputs}x{outputs}"
    a = data.random_array((rows, inputs), np.float32)
    b = data.random_array((inputs, outputs), np.float32)
    benchmark(np.matmul, a, b)

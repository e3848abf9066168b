"""UNIDIRECTIONAL_SEQUENCE_LSTM against TFLite's integer kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tflite", reason="needs the extra tflite")
interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

from test_tflite_ops import run_litert, run_oracle  # noqa: E402
from tflite_writer import Writer  # noqa: E402

from intaglio.conversion import convert  # noqa: E402
from intaglio.errors import UnsupportedOpError  # noqa: E402

BATCH, STEPS, DEPTH, UNITS = 2, 6, 13, 9


def network(
    seed: int, *, cell_bits: int = 3, time_major: bool = False, extra: dict[int, Any] | None = None, **options: Any
) -> bytes:
    rng = np.random.default_rng(seed)
    net = Writer()
    x_scale, h_scale = (float(np.float32(v)) for v in rng.uniform(0.004, 0.03, 2))
    hidden = (h_scale, int(rng.integers(-20, 20)))
    shape = (STEPS, BATCH) if time_major else (BATCH, STEPS)
    inputs = [-1] * 24
    inputs[0] = net.input((*shape, DEPTH), x_scale, int(rng.integers(-128, 128)))
    for gate in range(4):
        for first, depth in ((1, DEPTH), (5, UNITS)):
            data = rng.integers(-127, 128, (UNITS, depth)).astype(np.int8)
            inputs[first + gate] = net.constant(data, float(np.float32(rng.uniform(0.002, 0.03))), 0)
        inputs[12 + gate] = net.constant(rng.integers(-5000, 5000, UNITS).astype(np.int32), x_scale * 0.01, 0)
    inputs[18] = net.tensor((BATCH, UNITS), *hidden, variable=True)
    inputs[19] = net.tensor((BATCH, UNITS), 2.0 ** (cell_bits - 15), 0, dtype="int16", variable=True)
    for i, data in (extra or {}).items():
        inputs[i] = net.constant(data, 0.001, 0)
    intermediates = [net.tensor((0,), dtype="float32") for _ in range(4)] + [net.tensor((0,), *hidden)]
    y = net.tensor((*shape, UNITS), *hidden)
    options = {"FusedActivationFunction": 4, "TimeMajor": time_major, **options}
    net.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], "UnidirectionalSequenceLSTMOptions", intermediates, **options
    )
    return net.bytes([y])


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("cell_bits", range(7))
@pytest.mark.parametrize("requant", ["float32", "fixed"])
def test_equals_tflite(requant: Any, cell_bits: int, time_major: bool) -> None:
    shape = (STEPS, BATCH, DEPTH) if time_major else (BATCH, STEPS, DEPTH)
    for seed in range(5):
        data = network(seed, cell_bits=cell_bits, time_major=time_major)
        x = np.random.default_rng(seed).integers(-128, 128, shape, np.int8)
        (expected,), (result,) = run_litert(data, [x]), run_oracle(convert(data, requant=requant), [x])
        assert len(np.unique(expected)) > 10
        np.testing.assert_array_equal(result, expected)


def test_clipped_cells() -> None:
    data = network(1, CellClip=0.5)
    x = np.random.default_rng(1).integers(-128, 128, (BATCH, STEPS, DEPTH), np.int8)
    (expected,), (result,) = run_litert(data, [x]), run_oracle(convert(data), [x])
    np.testing.assert_array_equal(result, expected)
    (free,) = run_litert(network(1), [x])
    assert (free != expected).any()


@pytest.mark.parametrize(
    ("extra", "options", "message"),
    [
        ({10: np.ones(UNITS, np.int16)}, {}, "peepholes"),
        ({16: np.ones((UNITS, UNITS), np.int8)}, {}, "projection"),
        ({20: np.ones(UNITS, np.int16)}, {}, "layer normalization"),
        ({}, {"FusedActivationFunction": 1}, "not TANH"),
        ({}, {"cell_bits": 7}, "cell state has the scale"),
    ],
)
def test_other_forms_are_refused_by_name(extra: dict[int, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedOpError, match=rf"UNIDIRECTIONAL_SEQUENCE_LSTM \(operator 0.*{message}"):
        convert(network(0, extra=extra, **options))

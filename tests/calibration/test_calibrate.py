"""Calibration: what data may look like, what is refused, and what is known afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_networks import SHAPE, logarithm, pair, pictures, residual

from intaglio import reference
from intaglio.calibration import METHODS, Statistics, calibrate
from intaglio.errors import DTypeError, GraphError, InputError, ModelFormatError, ShapeError

TENSORS = ("x", "first", "second", "total", "scores")


class Tensorlike:
    """Becomes an array when NumPy asks, as a PyTorch tensor does."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._array


def calibrated(data: Any, **options: Any) -> Statistics:
    return calibrate(residual(), data, tensors=TENSORS, progress=False, **options)


def test_statistics_are_those_of_all_values() -> None:
    images = pictures(5)
    values = reference.run(residual(), {"x": images}, all_tensors=True)
    statistics = calibrated(images, method="min_max")
    assert statistics.samples == 5
    for name in TENSORS:
        low, high = float(values[name].min()), float(values[name].max())
        assert statistics.observed(name) == (low, high)
        assert statistics.range(name) == (min(low, 0), max(high, 0))
        assert statistics.histogram(name).total == values[name].size
        expected = values[name].astype(np.float64).reshape(-1, values[name].shape[-1]).mean(axis=0)
        np.testing.assert_allclose(statistics.means(name), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "shape",
    {
        "one array": lambda images: images,
        "float64": lambda images: images.astype(np.float64),
        "a dict of all": lambda images: {"x": images},
        "batches": lambda images: [images[:2], images[2:]],
        "a generator": lambda images: (images[i : i + 1] for i in range(5)),
        "single samples": list,
        "dicts": lambda images: [{"x": images[:3]}, {"x": images[3:]}],
        "with labels": lambda images: [(images[:4], np.arange(4)), [images[4:], np.arange(1)]],
        "tensors": lambda images: [Tensorlike(images)],
    }.items(),
    ids=lambda item: item[0],
)
def test_data_in_any_shape_is_the_same(shape: tuple[str, Any]) -> None:
    images = pictures(5)
    given, expected = calibrated(shape[1](images)), calibrated([images])
    assert given.samples == expected.samples
    for name in TENSORS:
        assert given.histogram(name).to_json() == expected.histogram(name).to_json()


def test_several_inputs() -> None:
    a, b = np.eye(3, dtype=np.float32), np.full((3, 3), 2, np.float32)
    for data in ([(a, b)], [{"b": b, "a": a}], {"a": a, "b": b}):
        assert calibrate(pair(), data, tensors=["sum"]).observed("sum") == (2, 3)


def with_value(value: float) -> np.ndarray:
    images = pictures(2)
    images[1, 2, 3, 1] = value
    return images


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([], InputError, "at least one sample"),
        (np.zeros((0, *SHAPE), np.float32), InputError, "at least one sample"),
        ([np.zeros((0, *SHAPE), np.float32)], ShapeError, "batch 0, input 'x'.*at least one sample"),
        ([pictures(1), np.zeros((1, 6, 5, 3), np.float32)], ShapeError, r"batch 1, input 'x'.*\(N, 6, 6, 3\).*5"),
        ([np.zeros((1, 3, 6, 6), np.float32)], ShapeError, "channels come last"),
        ([np.zeros((1, *SHAPE), np.uint8)], DTypeError, "batch 0, input 'x': expected float32, got uint8"),
        ([pictures(1), with_value(np.nan)], InputError, r"batch 1, input 'x'.*nan at \(1, 2, 3, 1\)"),
        ([with_value(-np.inf)], InputError, r"batch 0, input 'x'.*-inf at \(1, 2, 3, 1\)"),
        ([with_value(1e38).astype(np.float64) * 1e30], InputError, "inf at"),
        ([{"y": pictures(1)}], InputError, "batch 0: expected inputs x, got y"),
        ([()], InputError, "batch 0: expected 1 arrays"),
        ([[[[1, 2], [3]]]], InputError, "expected an array"),
        (7, TypeError, "iterable"),
        ("images/", TypeError, "iterable"),
    ],
)  # fmt: skip
def test_bad_data_is_refused(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        calibrated(data)


def test_inputs_of_different_lengths_are_refused() -> None:
    with pytest.raises(ShapeError, match="'a' has 2, 'b' has 3"):
        calibrate(pair(), [(np.zeros((2, 3)), np.zeros((3, 3)))], tensors=["sum"])


def test_a_tensor_without_a_number_is_named() -> None:
    data = [np.ones((1, 3)), -np.ones((1, 3))]
    with pytest.raises(InputError, match="tensor 'log', batch 1: expected finite numbers, got NaN"):
        calibrate(logarithm(), data, tensors=["log"])
    with pytest.raises(InputError, match="tensor 'log', batch 0: expected finite numbers, got an infinity"):
        calibrate(logarithm(), [np.zeros((1, 3))], tensors=["log"])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(GraphError, match="'absent'"):
        calibrate(residual(), pictures(1), tensors=["absent"])
    with pytest.raises(ValueError, match=r"method: expected 'min_max'.*got 'guess'"):
        calibrated(pictures(1), method="guess")
    with pytest.raises(GraphError, match="'flat'"):
        calibrated(pictures(1)).range("flat")


@pytest.mark.parametrize("method", METHODS)
def test_saved_statistics_give_the_same_ranges(method: str, tmp_path: Path) -> None:
    statistics = calibrated(pictures(4), method=method)
    statistics.save(tmp_path / "statistics.json")
    loaded = Statistics.load(tmp_path / "statistics.json")
    assert (loaded.method, loaded.samples) == (method, 4)
    for name in TENSORS:
        assert loaded.range(name) == statistics.range(name)
        assert loaded.range(name, symmetric=True) == statistics.range(name, symmetric=True)
        assert loaded.observed(name) == statistics.observed(name)
        np.testing.assert_array_equal(loaded.means(name), statistics.means(name))


@pytest.mark.parametrize("change", [{"version": 2}, {"format": "x"}, {"method": "guess"}, {"tensors": {"x": {}}}])
def test_foreign_statistics_are_refused(change: dict[str, Any]) -> None:
    value = json.loads(calibrated(pictures(1)).to_json()) | change
    with pytest.raises(ModelFormatError, match="not calibration statistics"):
        Statistics.from_json(json.dumps(value))
    with pytest.raises(ModelFormatError, match="not calibration statistics"):
        Statistics.from_json(b"\xff{")


def test_the_bar_goes_to_terminals_only(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    calibrate(residual(), pictures(2), tensors=TENSORS)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    calibrate(residual(), [pictures(2)] * 3, tensors=TENSORS)
    out, err = capfd.readouterr()
    assert out == ""
    assert "0/3" in err
    assert err.endswith("\x1b[K")


_PEAK = """
import resource, sys
from float_networks import SHAPE, pictures, residual
from intaglio.calibration import calibrate

calibrate(residual(), (pictures(1, seed) for seed in range(int(sys.argv[1]))), tensors=["x", "first", "scores"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_data() -> None:
    def peak(samples: int) -> int:
        command = [sys.executable, "-c", _PEAK, str(samples)]
        finished = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True)
        return int(finished.stdout)

    few, many = peak(50), peak(5_000)
    # In KiB. Keeping the 4,950 further samples would take 2 MiB, and what they become 6 MiB more.
    assert many - few < 1024

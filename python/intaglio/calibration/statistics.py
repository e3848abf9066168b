"""What calibration knows about the tensors of a network."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.calibration.histogram import Histogram
from intaglio.calibration.ranges import METHODS
from intaglio.errors import GraphError, ModelFormatError

_FORMAT: Final = "intaglio calibration"
_VERSION: Final = 1


class TensorStatistics:
    """The histogram of a tensor's values and their sum per channel, the last axis."""

    def __init__(self, channels: int) -> None:
        self.histogram = Histogram()
        self.sums: NDArray[np.float64] = np.zeros(channels)

    def add(self, values: NDArray[np.float32]) -> None:
        """Take in finite values."""
        self.histogram.add(values)
        self.sums += values.reshape(-1, self.sums.size).sum(axis=0, dtype=np.float64)

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean of each channel."""
        return np.asarray(self.sums * (self.sums.size / self.histogram.total), np.float64)


def check_method(method: str) -> str:
    """The method, if there is one of that name."""
    if method not in METHODS:
        raise ValueError(f"method: expected {' or '.join(map(repr, METHODS))}, got {method!r}")
    return method


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of tensors by name. They serve any method of choosing ranges, so they can be kept and reused."""

    tensors: dict[str, TensorStatistics]
    #: How `range` chooses.
    method: str
    #: Runs of the network that they come from.
    samples: int
    #: Tells apart the networks that statistics can be of, where that matters.
    network: str = ""

    def range(self, tensor: str, *, symmetric: bool = False) -> tuple[float, float]:
        """The range that a grid of 256 numbers should cover, by the method; it holds 0. Symmetric: (-m, m)."""
        return METHODS[self.method](self._of(tensor).histogram, symmetric)

    def observed(self, tensor: str) -> tuple[float, float]:
        """The smallest and largest value seen."""
        histogram = self._of(tensor).histogram
        return histogram.low, histogram.high

    def means(self, tensor: str) -> NDArray[np.float64]:
        """The mean of each channel, the last axis in the graph's layout."""
        return self._of(tensor).means

    def histogram(self, tensor: str) -> Histogram:
        """How often which values were seen."""
        return self._of(tensor).histogram

    def to_json(self) -> str:
        """All of it as JSON."""
        tensors = {
            name: {"histogram": entry.histogram.to_json(), "sums": entry.sums.tolist()}
            for name, entry in self.tensors.items()
        }
        head = {"format": _FORMAT, "version": _VERSION, "method": self.method, "samples": self.samples}
        return json.dumps({**head, "network": self.network, "tensors": tensors})

    @classmethod
    def from_json(cls, text: str | bytes) -> Statistics:
        """What `to_json` gave."""
        try:
            value = json.loads(text)
            if (value["format"], value["version"]) != (_FORMAT, _VERSION):
                raise ValueError(f"expected {_FORMAT} {_VERSION}, got {value['format']} {value['version']}")
            tensors = {name: _tensor(entry) for name, entry in value["tensors"].items()}
            return cls(tensors, check_method(value["method"]), int(value["samples"]), str(value["network"]))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ModelFormatError(f"not calibration statistics: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them to a JSON file."""
        Path(path).write_text(self.to_json(), "utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Statistics:
        """Read what `save` wrote."""
        return cls.from_json(Path(path).read_bytes())

    def _of(self, tensor: str) -> TensorStatistics:
        if tensor not in self.tensors:
            raise GraphError(f"tensor '{tensor}': expected one that was calibrated, got an unknown name")
        return self.tensors[tensor]


def _tensor(value: dict[str, Any]) -> TensorStatistics:
    sums = np.asarray(value["sums"], np.float64)
    entry = TensorStatistics(sums.size)
    entry.sums = sums.reshape(-1)
    entry.histogram = Histogram.from_json(value["histogram"])
    return entry

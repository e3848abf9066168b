"""What a comparison found."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from intaglio.calibration import Histogram
from intaglio.comparison.agreement import Agreement
from intaglio.comparison.costs import Costs


@dataclass(frozen=True, eq=False)
class Layer:
    """A tensor of both networks, and the node of the quantized one that makes it."""

    #: Its name in the quantized network.
    tensor: str
    node: str
    op: str
    #: Of the quantized network: int8, or float32 for a float island.
    dtype: str
    macs: int
    #: The error of this layer alone, the float network's values being given to it.
    own: Agreement
    #: The error that has come together here from all layers up to this one.
    accumulated: Agreement
    #: The share of the float network's values that lie outside the grid.
    saturated: float
    #: The values of the float network.
    histogram: Histogram
    #: The ends of the grid; None for float32.
    clip: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        return {
            "tensor": self.tensor,
            "node": self.node,
            "op": self.op,
            "dtype": self.dtype,
            "macs": self.macs,
            "own": self.own.to_json(),
            "accumulated": self.accumulated.to_json(),
            "saturated": self.saturated,
            "observed": [self.histogram.low, self.histogram.high],
            "clip": None if self.clip is None else list(self.clip),
        }


@dataclass(frozen=True, eq=False)
class Output:
    """An output of both networks."""

    name: str
    agreement: Agreement
    #: The share of samples of which both rank the same class first, or of integers that are equal; None where the
    #: output looks like neither scores nor classes.
    same_class: float | None

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.agreement.to_json(), "same_class": self.same_class}


@dataclass(frozen=True, eq=False)
class Comparison:
    """A float network and a quantized one on the same data, layer by layer in the order in which they run."""

    layers: tuple[Layer, ...]
    outputs: tuple[Output, ...]
    right: Costs
    quantized: Costs
    samples: int
    #: What the caller's own function says of the float network and of the quantized one.
    metric: tuple[float, float] | None

    def worst(self, count: int = 10) -> list[Layer]:
        """The layers that add most error of their own, first the one with the lowest SQNR."""
        return sorted(self.layers, key=lambda layer: layer.own.sqnr)[:count]

    def to_json(self) -> str:
        """All figures as JSON."""
        value = {
            "samples": self.samples,
            "metric": None if self.metric is None else {"float32": self.metric[0], "quantized": self.metric[1]},
            "outputs": [output.to_json() for output in self.outputs],
            "float32": asdict(self.right),
            "quantized": asdict(self.quantized),
            "layers": [layer.to_json() for layer in self.layers],
        }
        return json.dumps(value, indent=2)

    def html(self, path: str | os.PathLike[str]) -> None:
        """Write a page for the browser that needs no other file."""
        from intaglio.comparison.page import page

        Path(path).write_text(page(self), "utf-8")

    def __str__(self) -> str:
        from intaglio.comparison.wording import as_text

        return as_text(self)

"""A comparison as plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from intaglio.cli import text
from intaglio.comparison.costs import Costs
from intaglio.comparison.result import Comparison, Layer, Output
from intaglio.summary import shorten


def as_text(comparison: Comparison, worst: int = 10) -> str:
    """The figures of both networks, the outputs, and the layers with most error of their own."""
    both = text.table(
        (f"{comparison.samples} samples", "float32", "quantized"), summary(comparison), right=("float32", "quantized")
    )
    outputs = text.fields([(output.name, output_line(output)) for output in comparison.outputs])
    return "\n\n".join([both, outputs, layer_table(comparison.worst(worst))])


def summary(comparison: Comparison) -> list[tuple[str, ...]]:
    """Rows of a name, the figure of the float network, and that of the quantized one."""
    costs = comparison.right, comparison.quantized
    rows: list[tuple[str, ...]] = [
        ("size", *(text.size(c.bytes) for c in costs)),
        ("latency", *(text.duration(c.latency_seconds) for c in costs)),
        ("MACs in int8", *(percent(int8_share(c)) for c in costs)),
        ("nodes in float32", *(f"{c.nodes_float32} of {c.nodes}" for c in costs)),
    ]
    if comparison.metric is not None:
        rows.insert(0, ("metric", *(f"{value:.6g}" for value in comparison.metric)))
    return rows


def output_line(output: Output) -> str:
    """How near one output is."""
    near = f"SQNR {decibels(output.agreement.sqnr)}, cosine {output.agreement.cosine:.6f}, "
    line = f"{near}largest difference {output.agreement.largest:.4g}"
    return line if output.same_class is None else f"{line}, same class in {percent(output.same_class)}"


def layer_table(layers: Sequence[Layer]) -> str:
    """One row per layer."""
    columns = ("own SQNR", "accumulated", "cosine", "MSE", "outside")
    rows = [
        (
            shorten(layer.tensor),
            layer.op,
            decibels(layer.own.sqnr),
            decibels(layer.accumulated.sqnr),
            f"{layer.accumulated.cosine:.5f}",
            f"{layer.accumulated.mse:.3g}",
            percent(layer.saturated),
        )
        for layer in layers
    ]
    return text.table(("tensor", "op", *columns), rows, right=columns)


def decibels(ratio: float) -> str:
    """A ratio in decibels."""
    if math.isinf(ratio):
        return "exact" if ratio > 0 else "no signal"
    return f"{ratio:.1f} dB"


def percent(share: float) -> str:
    """A share; what is neither nothing nor all does not read as if it were."""
    if 0 < share < 5e-5:
        return "<0.01 %"
    return ">99.99 %" if 1 > share > 1 - 5e-5 else f"{share:.2%}".replace("%", " %")


def int8_share(costs: Costs) -> float:
    """Of the multiplications."""
    return costs.macs_int8 / costs.macs if costs.macs else 0.0

"""`intaglio bench`: how fast a network runs here."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from intaglio.cli import options, text
from intaglio.summary import shorten

if TYPE_CHECKING:
    import intaglio

_PROFILE_REPEATS = 50
_MOST_RUNS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure (default: 2)")
    parser.add_argument("--no-layers", action="store_true", help="leave out the per-layer table")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    model = options.load_model(arguments)
    measured = measure(model, arguments.seconds, layers=not arguments.no_layers)
    if arguments.json:
        text.print_json({"file": str(arguments.model), **measured})
        return
    latency = measured["latency_seconds"]
    print(
        text.fields(
            [
                ("file", arguments.model),
                ("tier", f"{measured['isa']}, {measured['threads']} thread{'s' * (measured['threads'] > 1)}"),
                (
                    "latency",
                    f"{text.duration(latency['median'])} median; {text.duration(latency['p10'])} to "
                    f"{text.duration(latency['p90'])} in 80 % of {measured['runs']} runs",
                ),
                ("throughput", f"{measured['gmacs_per_second']:.1f} GMAC/s"),
                (
                    "share of peak",
                    f"{measured['share_of_peak']:.0%} of {measured['peak_gmacs_per_second']:.0f} GMAC/s measured",
                ),
            ]
        )
    )
    if measured["layers"]:
        print("\n" + layer_table(measured["layers"]))


def random_inputs(model: intaglio.Model) -> dict[str, NDArray[Any]]:
    """Full-range random values for every input."""
    rng = np.random.default_rng(0)

    def values(info: intaglio.TensorInfo) -> NDArray[Any]:
        dtype = np.dtype(info.dtype)
        if dtype.kind == "f":
            floats: NDArray[Any] = rng.standard_normal(info.shape).astype(dtype)
            return floats
        limits = np.iinfo(dtype)
        integers: NDArray[Any] = rng.integers(limits.min, limits.max, size=info.shape, dtype=dtype, endpoint=True)
        return integers

    return {info.name: values(info) for info in model.inputs}


def latencies(model: intaglio.Model, inputs: dict[str, NDArray[Any]], seconds: float) -> NDArray[np.float64]:
    """Seconds of each of the runs that fit into the given time, after a warm-up of a tenth of it."""
    warm = time.perf_counter() + seconds / 10
    model.run(inputs)
    while time.perf_counter() < warm:
        model.run(inputs)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or (len(times) < _MOST_RUNS and time.perf_counter() < end):
        start = time.perf_counter()
        model.run(inputs)
        times.append(time.perf_counter() - start)
    return np.array(times)


def measure(model: intaglio.Model, seconds: float, layers: bool) -> dict[str, Any]:
    """All that the command prints, as JSON values."""
    from intaglio import _core

    inputs = random_inputs(model)
    times = latencies(model, inputs, seconds)
    plan = model.plan()
    macs = sum(step.macs for step in plan)
    median = float(np.median(times))
    threads = max((step.threads for step in plan), default=1)
    peak = _core.measure_dots(model.isa)[0] * threads
    gmacs = macs / median / 1e9
    nanoseconds = model.profile(inputs, _PROFILE_REPEATS) if layers else []
    total = sum(nanoseconds) or 1
    return {
        "isa": model.isa,
        "threads": threads,
        "runs": len(times),
        "latency_seconds": {
            "median": median,
            "p10": float(np.percentile(times, 10)),
            "p90": float(np.percentile(times, 90)),
            "min": float(times.min()),
        },
        "macs": macs,
        "gmacs_per_second": gmacs,
        "peak_gmacs_per_second": peak,
        "share_of_peak": gmacs / peak,
        "layers": [
            {
                "node": step.node,
                "op": step.op,
                "kernel": step.kernel,
                "seconds": spent * 1e-9,
                "share_of_time": spent / total,
                "gmacs_per_second": step.macs / spent if spent else 0.0,
            }
            for step, spent in zip(plan, nanoseconds, strict=False)
        ],
    }


def layer_table(layers: list[dict[str, Any]]) -> str:
    rows = [
        (
            shorten(layer["node"]),
            layer["op"],
            text.duration(layer["seconds"]),
            f"{layer['share_of_time']:.1%}",
            f"{layer['gmacs_per_second']:.1f}" if layer["gmacs_per_second"] else "",
            layer["kernel"],
        )
        for layer in layers
    ]
    return text.table(("node", "op", "time", "share", "GMAC/s", "kernel"), rows, right=("time", "share", "GMAC/s"))

"""One network on all engines, in turn: do they agree, how long do they take, how much memory."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import intaglio
from peers.networks import Network, random_inputs
from peers.processes import LIMITABLE, Process, WorkerError

OURS = "Intaglio"
#: After an engine's name: a float32 network, and a `.tflite` file read by an engine that has a faster form.
FLOAT32 = " float32"
TFLITE = " .tflite"

#: Of engines that compute the same network; one that computes something else is at 1 or beyond.
LARGEST_DIFFERENCE = 0.25

#: Cores are free in a round if all together do this share of their number times the dot products of one.
FREE_CORES = 0.95


class Conditions(NamedTuple):
    threads: int = 1
    batch: int = 1
    #: None is all that the CPU has.
    isa: str | None = None


def engine_files(network: Network) -> dict[str, Path]:
    """The file that each engine reads, for all that can run the network.

    Of a `.tflite` file OpenVINO has the QDQ ONNX exported from it too, which it mostly runs faster.
    """
    files = {OURS: network.intaglio, "ONNX Runtime": network.onnx, "OpenVINO": network.onnx}
    if network.source.suffix == ".tflite":
        files |= {"LiteRT": network.source, f"OpenVINO{TFLITE}": network.source}
    if network.float32 is not None:
        peers = ("ONNX Runtime", "OpenVINO") if network.float32.suffix == ".onnx" else ("OpenVINO", "LiteRT")
        files |= {f"{peer}{FLOAT32}": network.float32 for peer in peers}
    return files


def engine_of(name: str) -> str:
    return name.removesuffix(FLOAT32).removesuffix(TFLITE)


def measure(
    network: Network, engines: dict[str, Path], conditions: Conditions, rounds: int, seconds: float
) -> dict[str, Any]:
    """Every round has a block of each engine, of about so many seconds; with several threads, one more with one."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        inputs = _save_inputs(network, conditions.batch, Path(folder))

        def start(name: str, threads: int) -> tuple[Process, dict[str, Any]]:
            given = inputs[name.endswith(FLOAT32)]
            engine, cores = engine_of(name), conditions.threads
            process = stack.enter_context(Process(engine, engines[name], given, threads, conditions.isa, cores))
            return process, process.call("fastest", seconds)

        processes: dict[str, Process] = {}
        for name in engines:
            try:
                processes[name], figures[name] = start(name, conditions.threads)
            except WorkerError as error:
                figures[name] = {"failed": str(error)}
        if OURS not in processes:
            raise WorkerError(f"{OURS} on {network.name}: {figures[OURS]['failed']}")
        for name, difference in _differences(network, processes).items():
            figures[name] |= {"difference": difference, "agrees": difference <= LARGEST_DIFFERENCE}
        alone = {name: start(name, 1)[0] for name in processes} if conditions.threads > 1 else {}

        blocks: dict[str, list[float]] = {name: [] for name in processes}
        over_one: dict[str, list[float]] = {name: [] for name in alone}
        peaks, dots_over_one, round_trips = [], [], []
        for _ in range(rounds):
            peak, dots = processes[OURS].call("dots", conditions.threads)
            peaks.append(peak)
            for name, process in processes.items():
                blocks[name].append(process.call("block", seconds))
                if name == OURS and alone:
                    # On both sides of the block: a virtual machine's cores come and go within a second.
                    _, dots_after = process.call("dots", conditions.threads)
                    dots_over_one.append(min(dots, dots_after) / alone[OURS].call("dots", 1)[1])
                    round_trips.append(process.call("round_trip"))
                if alone:
                    over_one[name].append(alone[name].call("block", seconds) / blocks[name][-1])
        for name, process in processes.items():
            figures[name] |= summary(blocks[name], blocks[OURS]) | process.call("memory")
        for name, ratios in over_one.items():
            figures[name]["over_one_thread"] = spread(ratios)
        cores = _cores(conditions.threads, dots_over_one, round_trips, over_one[OURS]) if alone else None
        if conditions.batch == 1:
            threads, isa = conditions.threads, conditions.isa
            with Process(OURS, network.source, inputs[False], threads, isa, threads) as process:
                figures[OURS]["peak_resident_bytes_from_source"] = process.call("memory")["peak_resident_bytes"]
    macs = network.macs * conditions.batch
    gmacs, peak = macs / figures[OURS]["seconds"] / 1e9, statistics.median(peaks)
    return {
        "network": network.name,
        **conditions._asdict(),
        "cores": cores,
        "macs": macs,
        "gmacs": gmacs,
        "peak_gmacs": peak,
        "share_of_peak": gmacs / peak,
        "best_peer": _best(figures, limited=conditions.isa is not None, of_floats=False),
        "best_peer_same_file": _best(
            {name: figures[name] for name, file in engines.items() if name == OURS or file == network.source},
            limited=conditions.isa is not None,
            of_floats=False,
        ),
        "best_float32": _best(figures, limited=conditions.isa is not None, of_floats=True),
        "engines": figures,
    }


def _cores(threads: int, dots: list[float], round_trips: list[float], over_one: list[float]) -> dict[str, Any]:
    """What the cores gave, and what Intaglio gained in the rounds in which they gave nearly all that they can."""
    free = [ratio for ratio, given in zip(over_one, dots, strict=True) if given >= FREE_CORES * threads]
    return {
        "dots_over_one": spread(dots),
        "round_trip_nanoseconds": spread(round_trips),
        "free_rounds": len(free),
        "over_one_thread_when_free": spread(free) if free else None,
    }


def relative_difference(answer: NDArray[np.float64], ours: NDArray[np.float64]) -> float:
    """Root mean square of the difference, over that of our answer about its mean."""
    return float(np.sqrt(np.mean((answer.reshape(ours.shape) - ours) ** 2)) / ours.std())


def summary(blocks: list[float], ours: list[float]) -> dict[str, Any]:
    """Medians, and the range of 80 % of the rounds; a ratio is to Intaglio's block of the same round."""
    seconds, ratio = spread(blocks), spread([block / our for block, our in zip(blocks, ours, strict=True)])
    return {
        "seconds": seconds["median"],
        "seconds_low": seconds["low"],
        "seconds_high": seconds["high"],
        "ratio": ratio["median"],
        "ratio_low": ratio["low"],
        "ratio_high": ratio["high"],
    }


def spread(values: list[float]) -> dict[str, float]:
    """The median, and the range of 80 % of the rounds."""
    ordered, tenth = sorted(values), len(values) // 10
    return {"median": statistics.median(ordered), "low": ordered[tenth], "high": ordered[-1 - tenth]}


def _save_inputs(network: Network, batch: int, folder: Path) -> dict[bool, Path]:
    """The network's inputs, and under True the same for its float32 twin."""
    files = {False: folder / "own.npy", True: folder / "floats.npy"}
    for file, array in zip(files.values(), random_inputs(network, batch), strict=True):
        np.save(file, array)
    return files


def _differences(network: Network, processes: dict[str, Process]) -> dict[str, float]:
    """How far each engine is from Intaglio, where it computes the same network."""
    (port,) = intaglio.load(network.intaglio, threads=1).outputs

    def real(answer: NDArray[Any]) -> NDArray[np.float64]:
        numbers = answer.astype(np.float64)
        return numbers if answer.dtype.kind == "f" or port.scale is None else port.scale * (numbers - port.zero_point)

    answers = {
        name: real(process.answer())
        for name, process in processes.items()
        if network.float32_has_same_weights or not name.endswith(FLOAT32)
    }
    return {name: relative_difference(answer, answers[OURS]) for name, answer in answers.items()}


def _best(figures: dict[str, Any], *, limited: bool, of_floats: bool) -> str | None:
    """The peer with the least ratio among those that agree and, where the CPU is limited, can be limited."""
    ratios = {
        name: values["ratio"]
        for name, values in figures.items()
        if name != OURS
        and name.endswith(FLOAT32) == of_floats
        and "ratio" in values
        and values.get("agrees", True)
        and (not limited or engine_of(name) in LIMITABLE)
    }
    return min(ratios, key=lambda name: ratios[name]) if ratios else None

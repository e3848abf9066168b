"""Figures for people."""

from __future__ import annotations

import itertools
import statistics
import sys
from typing import Any, Final

from intaglio.cli import text
from peers.measure import FLOAT32, LARGEST_DIFFERENCE, OURS, TFLITE, Conditions, engine_of
from peers.networks import NAMES

_PEERS: Final = ("ONNX Runtime", "OpenVINO", f"OpenVINO{TFLITE}", "LiteRT")
Result = dict[str, Any]
Rows = list[tuple[str, ...]]


def line(result: Result) -> str:
    """One result in short, for those who wait."""
    ours, best = result["engines"][OURS], result["best_peer"]
    ahead = f"{best} {result['engines'][best]['ratio']:.2f} times as long" if best else "no peer"
    return f"{result['network']}, {_title(result)}: {text.duration(ours['seconds'])}, {ahead}"


def show(figures: dict[str, Any]) -> None:
    about = figures["machine"]
    print(f"\n{about['cpu']}; " + ", ".join(f"{name} {number}" for name, number in about["versions"].items()))
    results = sorted(figures["results"], key=lambda result: (_key(result), NAMES.index(result["network"])))
    for _, group in itertools.groupby(results, _key):
        same = list(group)
        _print(f"Time, {_title(same[0])}", *times(same))
        if same[0]["cores"]:
            _print(f"One thread's time over that of {_title(same[0])}, in the same rounds", *scaling(same))
    alone = [result for result in results if _key(result) == _key(Conditions()._asdict())]
    if alone:
        _print(f"Peak resident memory of the whole process, {_title(alone[0])}", *memory(alone))


def times(results: list[Result]) -> tuple[tuple[str, ...], Rows]:
    """Header and rows: every engine's time, and the best peer's over Intaglio's.

    Once of all peers, and once of those that read the very file that Intaglio reads.
    """
    header = ("network", OURS, "GMAC/s", "of peak", *_PEERS, "best peer / Intaglio", "80 % of rounds", "same file")
    rows = []
    for result in results:
        engines = result["engines"]
        low, high = (_of(engines, result["best_peer"], field) for field in ("ratio_low", "ratio_high"))
        rows.append(
            (
                result["network"],
                text.duration(engines[OURS]["seconds"]),
                f"{result['gmacs']:.0f}",
                f"{result['share_of_peak']:.0%}",
                *(_time(engines, peer) for peer in _PEERS),
                _ratio(_of(engines, result["best_peer"], "ratio")),
                f"{low:.2f} to {high:.2f}" if low and high else "",
                _ratio(_of(engines, result["best_peer_same_file"], "ratio")),
                _time(engines, result["best_float32"]),
                _ratio(_of(engines, result["best_float32"], "ratio")),
            )
        )
    means = (_mean(results, "best_peer"), "", _mean(results, "best_peer_same_file"), "", _mean(results, "best_float32"))
    rows.append(("geometric mean", *[""] * (3 + len(_PEERS)), *means))
    return (*header, "best float32", "float32 / Intaglio"), rows


def scaling(results: list[Result]) -> tuple[tuple[str, ...], Rows]:
    """And what the cores gave meanwhile: dot products of all over those of one, and a word's way to another and back.

    On a virtual machine both change from one moment to the next: two of its cores may even be threads of one.
    """
    ours = (OURS, "80 % of rounds", "cores free", "rounds")
    rows = []
    for result in results:
        engines, cores = result["engines"], result["cores"]
        free = cores["over_one_thread_when_free"]
        rows.append(
            (
                result["network"],
                *_spread(engines[OURS]["over_one_thread"]),
                _ratio(free["median"]) if free else "",
                str(cores["free_rounds"]),
                *(_ratio((_of(engines, peer, "over_one_thread") or {}).get("median")) for peer in _PEERS),
                *_spread(cores["dots_over_one"]),
                f"{cores['round_trip_nanoseconds']['median']:.0f} ns",
            )
        )
    return ("network", *ours, *_PEERS, "dots", "80 % of rounds", "there and back"), rows


def memory(results: list[Result]) -> tuple[tuple[str, ...], Rows]:
    header = (f"{OURS} (.intaglio)", f"{OURS} (source)", *_PEERS, "arena", "packed weights")
    rows = []
    for result in results:
        ours = result["engines"][OURS]
        own = ("peak_resident_bytes", "peak_resident_bytes_from_source")
        peers = [_of(result["engines"], peer, "peak_resident_bytes") for peer in _PEERS]
        sizes = [*(ours[field] for field in own), *peers, ours["arena_bytes"], ours["weight_bytes"]]
        rows.append((result["network"], *(text.size(size) if size else "" for size in sizes)))
    return ("network", *header), rows


def disagreements(results: list[Result]) -> list[str]:
    return [
        f"{name} disagrees on {result['network']}, {_title(result)}: relative difference {engine['difference']:.2f}, "
        f"expected at most {LARGEST_DIFFERENCE}"
        for result in results
        for name, engine in result["engines"].items()
        if not engine.get("agrees", True)
    ]


def _print(title: str, header: tuple[str, ...], rows: Rows) -> None:
    print()
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            pass
        else:
            table = Table(title=title, title_justify="left")
            for name in header:
                table.add_column(name, justify="left" if name == "network" else "right")
            for row in rows:
                table.add_row(*row)
            Console().print(table)
            return
    print(f"{title}\n\n{text.table(header, rows, right=header[1:])}")


def _key(result: Result) -> tuple[str, int, int]:
    return result["isa"] or "", result["threads"], result["batch"]


def _title(result: Result) -> str:
    threads = "1 thread" if result["threads"] == 1 else f"{result['threads']} threads"
    limit = f", {OURS} and OpenVINO limited to {result['isa']}" if result["isa"] else ""
    return f"{threads}, batch {result['batch']}{limit}"


def _of(engines: dict[str, Any], name: str | None, field: str) -> Any:
    return engines.get(name, {}).get(field) if name else None


def _time(engines: dict[str, Any], name: str | None) -> str:
    """With what must be known beside it; an engine that disagrees has a question mark."""
    seconds = _of(engines, name, "seconds")
    if name is None or seconds is None:
        return ""
    notes = [engine_of(name)] * name.endswith(FLOAT32) + ["one by one"] * engines[name]["one_by_one"]
    agrees = "" if engines[name].get("agrees", True) else " ?"
    return text.duration(seconds) + (f" ({', '.join(notes)})" if notes else "") + agrees


def _ratio(value: float | None) -> str:
    return f"{value:.2f}" if value else ""


def _spread(figures: dict[str, float]) -> tuple[str, str]:
    return _ratio(figures["median"]), f"{figures['low']:.2f} to {figures['high']:.2f}"


def _mean(results: list[Result], which: str) -> str:
    ratios = [result["engines"][result[which]]["ratio"] for result in results if result[which]]
    return f"{statistics.geometric_mean(ratios):.2f}" if ratios else ""

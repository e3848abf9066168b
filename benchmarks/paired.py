"""Comparing two engines fairly on a noisy machine: short blocks of each in turn, medians, ratios within a pair."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Seconds of one call of each, and how many times as long the other takes (median of the paired ratios)."""

    ours: float
    other: float
    ratio: float
    #: Tenth and ninetieth percentile of the paired ratios.
    low: float
    high: float


def block(work: Work, calls: int) -> float:
    """The median seconds of one call."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def calls_for(work: Work, seconds: float) -> int:
    """How many calls take about as long, and at least three; the work has run once before."""
    return max(3, round(seconds / max(block(work, 3), 1e-7)))


def compare(ours: Work, other: Work, rounds: int = 21, block_seconds: float = 0.05) -> Comparison:
    """Runs a block of each in turn, `rounds` times."""
    calls = []
    for work in (ours, other):
        work()
        calls.append(calls_for(work, block_seconds))
    pairs = []
    for index in range(rounds):
        if index % 2:
            b = block(other, calls[1])
            a = block(ours, calls[0])
        else:
            a = block(ours, calls[0])
            b = block(other, calls[1])
        pairs.append((a, b))
    ratios = sorted(b / a for a, b in pairs)
    return Comparison(
        ours=statistics.median(a for a, _ in pairs),
        other=statistics.median(b for _, b in pairs),
        ratio=statistics.median(ratios),
        low=ratios[len(ratios) // 10],
        high=ratios[-1 - len(ratios) // 10],
    )


def pin_to_one_core() -> None:
    """Keeps this process on one of its cores, so that both engines see the same one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

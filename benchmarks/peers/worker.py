"""One engine with one network in a process of its own, which measures when it is told to.

    python -m peers.worker '{"engine": "LiteRT", "file": ..., "inputs": "x.npy", "threads": 1, "isa": null}'

Every line of standard input is a command, [method, arguments ...], and every line of standard output an answer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import paired
from peers.engines import ENGINES, Engine, Setup


class Worker:
    def __init__(self, engine: str, file: str, inputs: str, threads: int, isa: str | None) -> None:
        make, x = ENGINES[engine], np.load(inputs)
        self._engine: Engine
        self._pieces = [x]
        try:
            self._engine = make(Setup(Path(file), x, threads, isa))
        except Exception:
            if len(x) == 1:
                raise
            self._pieces = np.split(x, len(x))
            self._engine = make(Setup(Path(file), self._pieces[0], threads, isa))
        self._call: Callable[[], object] = next(iter(self._engine.calls.values()))
        self._call()

    def fastest(self, seconds: float) -> dict[str, Any]:
        """Settles which of the ways to call it is used from now on."""
        times = {}
        for name, call in self._engine.calls.items():
            call()
            times[name] = paired.block(call, paired.calls_for(call, seconds))
        name = min(times, key=lambda name: times[name])
        self._call = self._engine.calls[name]
        return {"call": name, "one_by_one": len(self._pieces) > 1}

    def block(self, seconds: float) -> float:
        """Median seconds for the batch, after the calls that find out how many make a block of this length."""
        return paired.block(self._call, paired.calls_for(self._call, seconds)) * len(self._pieces)

    def answer(self, file: str) -> None:
        np.save(file, np.concatenate([self._engine.answer(piece) for piece in self._pieces]))

    def dots(self, cores: int) -> tuple[float, float]:
        """GMAC/s of so many cores at the same time, at their peaks and in the mean: Intaglio alone can measure it."""
        with ThreadPoolExecutor(cores) as pool:
            rates = [pool.submit(self._engine.dots) for _ in range(cores)]  # type: ignore[attr-defined]
            best, mean = zip(*(rate.result() for rate in rates), strict=True)
            return sum(best), sum(mean)

    def round_trip(self) -> float:
        """Nanoseconds from a core to another and back: Intaglio alone can measure it."""
        return float(self._engine.round_trip())  # type: ignore[attr-defined]

    def memory(self) -> dict[str, int]:
        with open("/proc/self/status", encoding="ascii") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        return {"peak_resident_bytes": peak * 1024, **getattr(self._engine, "own_memory", {})}


def main() -> None:
    # Engines print what they like: answers go to a stream of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(**json.loads(sys.argv[1]))
    print(json.dumps(None), file=answers, flush=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(worker, method)(*arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()

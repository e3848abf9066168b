"""Instructions of one inference on one thread, of the tiers that no emulator has, and LiteRT's: x86-64 Linux alone.

    python benchmarks/count_instructions.py

The CPU traps after each instruction, which takes minutes for MobileNetV2. Counts are those of calls from Python less
those of an empty call; LiteRT's inputs and outputs are not copied. tests/everywhere/instructions.py counts by an
emulator.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import intaglio
from data import NETWORKS, random_array, require_models
from intaglio import cpu
from litert import LiteRT

CHOSEN = ("keyword spotting", "MobileNetV2")
EMULATED = ("scalar", "avx2")
#: glibc copies long strings by one repeated instruction, of which every repetition would count.
TUNABLES = "glibc.cpu.x86_rep_movsb_threshold=0x7fffffff:glibc.cpu.x86_rep_stosb_threshold=0x7fffffff"


class Counter:
    """Counts what functions do."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "single_step.so"
            source = Path(__file__).with_name("single_step.c")
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
            self._library = ctypes.CDLL(str(library))
        self._library.end.restype = ctypes.c_ulonglong
        self._empty = 0
        self._empty = self.count(lambda: None)

    def count(self, function: Callable[[], object]) -> int:
        for _ in range(3):
            function()
        self._library.begin()
        function()
        instructions: int = self._library.end()
        return instructions - self._empty


def main() -> None:
    if os.environ.get("GLIBC_TUNABLES") != TUNABLES:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "GLIBC_TUNABLES": TUNABLES})
    counter = Counter()
    folder = require_models()
    for network in CHOSEN:
        path = folder / NETWORKS[network]
        (port,) = intaglio.load(path).inputs
        x = random_array(port.shape, port.dtype)
        for tier in cpu.tiers():
            if tier not in EMULATED:
                show(network, tier, counter.count(intaglio_call(path, tier, x)))
        peer = LiteRT(path)
        peer(x)
        show(network, "LiteRT", counter.count(peer.invoke))


def intaglio_call(path: Path, tier: str, x: NDArray[Any]) -> Callable[[], object]:
    model = intaglio.load(path, isa=tier, threads=1)
    y = model(x)
    return lambda: model(x, out=y)


def show(network: str, what: str, instructions: int) -> None:
    print(f"{network:20} {what:12} {instructions:>14,}", flush=True)


if __name__ == "__main__":
    main()

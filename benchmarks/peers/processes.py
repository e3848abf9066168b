"""Workers as seen from the program that starts them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: The peers that can be told to use no more than a tier. They have oneDNN's kernels, which go by the environment.
LIMITABLE: Final = ("OpenVINO",)
_ONEDNN_ISA: Final = {"avx2": "AVX2", "avxvnni": "AVX2_VNNI"}


#: The tiers that engines can be compared on, other than all that the CPU has.
TIERS: Final = tuple(_ONEDNN_ISA)


class WorkerError(Exception):
    """An engine that does not run a network; the message is its last words."""


class Process:
    """A worker process (see worker.py) that may run on so many of the cores."""

    def __init__(self, engine: str, file: Path, inputs: Path, threads: int, isa: str | None, cores: int) -> None:
        arguments = {"engine": engine, "file": str(file), "inputs": str(inputs), "threads": threads, "isa": isa}
        path = os.pathsep.join([str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}
        if isa is not None:
            environment["ONEDNN_MAX_CPU_ISA"] = _ONEDNN_ISA[isa]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "peers.worker", json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            text=True,
        )
        try:
            os.sched_setaffinity(self._process.pid, last_cores(cores))
            self._answer()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.__exit__(None, None, None)
        self._log.close()

    def call(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and what it said is raised below
            print(json.dumps([method, *arguments]), file=self._process.stdin, flush=True)
        return self._answer()

    def answer(self) -> NDArray[Any]:
        """To the inputs given at the start."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "answer.npy"
            self.call("answer", str(file))
            answer: NDArray[Any] = np.load(file)
            return answer

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            words = self._log.read().decode(errors="replace").strip().splitlines()
            raise WorkerError(words[-1] if words else f"ended with code {self._process.wait()}")
        return json.loads(line)


def last_cores(count: int) -> set[int]:
    """Of this process's cores, the last first: the first one of a machine serves most interrupts."""
    return set(sorted(os.sched_getaffinity(0))[-count:])

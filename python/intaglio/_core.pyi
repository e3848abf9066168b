"""The extension module: the engine behind `intaglio.Model`, `intaglio.cpu` and the quantization of float arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

class Engine:
    """A loaded model. ``file`` is an `.intaglio` file in memory, 8-byte aligned; it may go afterwards.

    ``constants`` may hold the constants of one byte or more apart from the file, whose data section is then empty.
    """

    def __init__(self, file: object, isa: str, threads: int, constants: Sequence[object] = ()) -> None: ...
    def __call__(self, *arrays: object, raw: bool | None = None, out: Any = None) -> Any:
        """Arrays that fit go straight to the kernels; else this is ``self._call(*arrays, raw=raw, out=out)``."""
    def _run(
        self, arrays: tuple[NDArray[Any], ...], out: tuple[NDArray[Any], ...] | None = None
    ) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """C-contiguous arrays of the ports' dtypes and shapes, which do not overlap; TypeError where one is not."""
    def _profile(self, arrays: tuple[NDArray[Any], ...], repeats: int) -> NDArray[np.int64]:
        """Nanoseconds, [repeats, steps]."""
    def _inputs(self) -> list[tuple[str, tuple[int, ...], np.dtype[Any], float | None, int]]: ...
    def _outputs(self) -> list[tuple[str, tuple[int, ...], np.dtype[Any], float | None, int]]: ...
    def _steps(self) -> list[tuple[str, str, str, str, int, int, int]]: ...
    @property
    def _batchable(self) -> bool: ...
    @property
    def isa(self) -> str:
        """The instruction-set tier the plan is for."""
    @property
    def threads(self) -> int:
        """The most threads a run uses."""
    @property
    def arena_bytes(self) -> int:
        """Activation memory of one run."""
    @property
    def weight_bytes(self) -> int:
        """Packed weights, tables and arguments of the plan, shared by all runs."""

def ops() -> dict[str, int]:
    """The ops the engine computes: code in the file by name."""

def cpu_name() -> str: ...
def cpu_features() -> list[str]: ...
def tiers() -> list[str]: ...
def usable_cores() -> int: ...
def measure_dots(isa: str) -> tuple[float, float]: ...
def measure_round_trip() -> float: ...
def quantize(
    x: NDArray[np.float32], scale: float, zero_point: int, dtype: np.dtype[Any]
) -> tuple[NDArray[Any], int | None]: ...
def dequantize(q: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]: ...

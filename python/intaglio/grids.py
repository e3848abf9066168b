"""Grids: where the values of a float network lie when it is quantized.

A network with quantize and dequantize pairs, and a float network after calibration, are both a float graph and the
grids of its tensors. An activation with a grid is rounded to it where it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Grid:
    """The numbers ``scale * (q - zero_point)`` for int8 q from ``low`` to ``high``."""

    #: Of shape (), or [C] for a constant with one grid per channel.
    scale: NDArray[np.float32]
    #: In terms of int8, of the shape of ``scale``; grids of uint8 are shifted by 128.
    zero_point: NDArray[np.int32]
    #: The axis of the channels, in the graph's layout.
    axis: int | None = None
    #: The stored integers of a constant where they are known: int8, or int32 for a bias.
    integers: NDArray[Any] | None = None
    low: int = -128
    high: int = 127


#: Grids by name of tensor.
Grids = dict[str, Grid]

"""The networks to measure, and inputs for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Short name to file, of every int8 network of the data folder.
NETWORKS: Final = {
    "anomaly detection": "mlperf_ad_int8.tflite",
    "keyword spotting": "mlperf_kws_int8.tflite",
    "ResNet-8": "mlperf_resnet8_int8.tflite",
    "streaming wake word": "mlperf_sww_int8.tflite",
    "visual wake words": "mlperf_vww_int8.tflite",
    "MobileNetV2": "tf2_mobilenet_v2_1.0_224_ptq.tflite",
}


def models() -> Path | None:
    """The folder of networks: below INTAGLIO_DATA, or in the data folder beside the repository."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("INTAGLIO_DATA", default)) / "models"
    return folder if folder.is_dir() else None


def require_models() -> Path:
    folder = models()
    if folder is None:
        raise SystemExit("no model data: set INTAGLIO_DATA to a folder with models/")
    return folder


def random_array(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> NDArray[Any]:
    """Full-range integers, or standard normal floats."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)

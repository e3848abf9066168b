"""The networks to compare: which file each engine reads, and inputs for them.

Four are made here with random weights, as float32 and as QDQ ONNX: uint8 activations and int8 weights per channel, the
form that ONNX Runtime and OpenVINO are made for. The others are the int8 `.tflite` networks of the data folder.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import data
import intaglio
from peers import float_onnx

#: Name to maker and input shape of the networks made here.
MADE: Final[dict[str, tuple[Callable[[Path], None], tuple[int, ...]]]] = {
    "ResNet-50": (float_onnx.resnet50, (3, 224, 224)),
    "ResNet-18": (float_onnx.resnet18, (3, 224, 224)),
    "MobileNetV2 (QDQ)": (float_onnx.mobilenet_v2, (3, 224, 224)),
    "MLP": (float_onnx.mlp, (784,)),
}

#: Float32 twins of the networks of the data folder, where it has them.
_FLOAT32_TWINS: Final = {
    "anomaly detection": "mlperf_ad_fp32.tflite",
    "keyword spotting": "mlperf_kws_fp32.tflite",
    "ResNet-8": "mlperf_resnet8_fp32.tflite",
    "visual wake words": "mlperf_vww_fp32.tflite",
}

NAMES: Final = (*MADE, *reversed(data.NETWORKS))


@dataclass(frozen=True)
class Network:
    """One network in the formats of the engines; None where there is no such file."""

    name: str
    #: The int8 network as its author has it, `.onnx` or `.tflite`, and the same converted.
    source: Path
    intaglio: Path
    #: The int8 network as QDQ ONNX: the source itself, or exported from it.
    onnx: Path
    float32: Path | None
    #: Float32 networks of the data folder were trained apart from the int8 ones.
    float32_has_same_weights: bool
    macs: int


def prepare(name: str, folder: Path) -> Network | None:
    """Makes what is missing in the folder; None if it is a network of a data folder that is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace(" ", "_")
    source: Path
    float32: Path | None
    if name in MADE:
        source, float32 = _made(name, folder, stem)
    else:
        models = data.models()
        if models is None:
            return None
        source = models / data.NETWORKS[name]
        twin = _FLOAT32_TWINS.get(name)
        float32 = models / twin if twin else None
    graph = intaglio.convert(source)
    converted = folder / f"{stem}.intaglio"
    graph.save(converted)
    if name in MADE:
        onnx = source
    else:
        onnx = folder / f"{stem}.exported.onnx"
        graph.to_onnx(onnx)
    macs = sum(step.macs for step in intaglio.load(graph, threads=1).plan())
    return Network(name, source, converted, onnx, float32, name in MADE, macs)


def random_inputs(network: Network, batch: int, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Inputs of the int8 network, and the same numbers as floats.

    Pictures have structure, large and small: of mere noise all pictures look the same to a network that averages.
    """
    (port,) = intaglio.load(network.intaglio, threads=1).inputs
    shape = (batch, *port.shape[1:])
    if port.scale is None:
        x = _random_pictures(shape, seed)
        return x, x
    x = data.random_array(shape, port.dtype, seed)
    return x, np.float32(port.scale) * (x.astype(np.float32) - port.zero_point)


def _random_pictures(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if len(shape) == 4:
        for patch in (16, 56):
            coarse = rng.standard_normal((*shape[:2], -(-shape[2] // patch), -(-shape[3] // patch)))
            x += coarse.repeat(patch, axis=2).repeat(patch, axis=3)[..., : shape[2], : shape[3]]
        x /= np.sqrt(3)
    return x.astype(np.float32)


def _made(name: str, folder: Path, stem: str) -> tuple[Path, Path]:
    """The QDQ network and the float one, kept for as long as what makes them stays the same."""
    makers = (Path(__file__), Path(float_onnx.__file__))
    version = hashlib.sha256(b"".join(maker.read_bytes() for maker in makers)).hexdigest()[:8]
    int8, float32 = (folder / f"{stem}.{version}.{kind}.onnx" for kind in ("int8", "float32"))
    if not int8.exists():
        make, shape = MADE[name]
        make(float32)
        unfinished = int8.with_suffix(".unfinished")
        _quantize(float32, unfinished, shape)
        unfinished.rename(int8)
    return int8, float32


def _quantize(float32: Path, int8: Path, shape: tuple[int, ...], batches: int = 4, batch: int = 4) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
        def __init__(self) -> None:
            self._pieces = iter([_random_pictures((batch, *shape), seed) for seed in range(100, 100 + batches)])

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            piece = next(self._pieces, None)
            return None if piece is None else {"x": piece}

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / float32.name
        quant_pre_process(str(float32), str(prepared), skip_symbolic_shape=True, skip_optimization=True)
        quantize_static(
            str(prepared),
            str(int8),
            Pictures(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )

"""ResNet-50's convolutions in int8 by Intaglio and in float32 by ONNX Runtime, in turn on one core, a thread each.

python benchmarks/compare_onnxruntime.py [--json figures.json]
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import data
import intaglio
import layers
import onnx_float32
import paired
import report
from intaglio.cli import text
from shapes import RESNET50, Convolution


def measure(convolution: Convolution, rounds: int) -> paired.Comparison:
    model = intaglio.load(layers.convolution(convolution), threads=1)
    x = data.random_array(model.inputs[0].shape, "int8")
    return paired.compare(lambda: model(x), onnx_float32.runner(convolution), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    paired.pin_to_one_core()
    compared = {convolution: measure(convolution, arguments.rounds) for convolution in RESNET50}
    ours = sum(convolution.count * result.ours for convolution, result in compared.items())
    other = sum(convolution.count * result.other for convolution, result in compared.items())
    columns = ("count", "MACs", "Intaglio int8", "GMAC/s", "ONNX Runtime float32", "ratio")
    rows = [
        (
            str(convolution),
            convolution.count,
            text.count(convolution.macs),
            text.duration(result.ours),
            f"{convolution.macs / result.ours / 1e9:.0f}",
            text.duration(result.other),
            f"{result.ratio:.2f}",
        )
        for convolution, result in compared.items()
    ]
    macs = sum(convolution.count * convolution.macs for convolution in RESNET50)
    total = ("all, by count", sum(convolution.count for convolution in RESNET50), text.count(macs))
    rows.append((*total, text.duration(ours), f"{macs / ours / 1e9:.0f}", text.duration(other), f"{other / ours:.2f}"))
    report.publish(
        "ResNet-50's convolutions, one thread each",
        text.table(("convolution", *columns), rows, right=columns),
        {
            "machine": report.machine("onnxruntime"),
            "total": {"ours": ours, "other": other, "ratio": other / ours},
            "layers": {str(convolution): asdict(result) for convolution, result in compared.items()},
        },
        arguments.json,
    )


if __name__ == "__main__":
    main()

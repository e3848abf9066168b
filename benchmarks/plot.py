"""Draws docs/performance.svg from the figures of compare_litert.py and compare_onnxruntime.py.

python benchmarks/plot.py litert.json onnxruntime.json docs/performance.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OURS = "#1f6f8b"
OTHERS = "#c9c9c9"


def bars(axes: Any, title: str, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """How many times as fast as the other engine, with the range of 80 % of the pairs."""
    names = [name for name, _ in rows]
    ratios = [figures["ratio"] for _, figures in rows]
    errors = [[f["ratio"] - f["low"] for _, f in rows], [f["high"] - f["ratio"] for _, f in rows]]
    axes.barh(names, ratios, color=[OURS if ratio >= 1 else OTHERS for ratio in ratios], xerr=errors, ecolor="#555555")
    axes.axvline(1, color="#555555", linewidth=0.8)
    for position, figures in enumerate(figures for _, figures in rows):
        axes.text(figures["high"], position, f"  {figures['ratio']:.2f}x", va="center")
    axes.set_xlim(0, 1.2 * max(figures["high"] for _, figures in rows))
    axes.invert_yaxis()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    litert, onnxruntime = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    networks = [(name, figures["call"]) for name, figures in litert["networks"].items()]
    layers = list(onnxruntime["layers"].items())
    matplotlib.rcParams |= {"svg.hashsalt": "intaglio", "svg.fonttype": "none", "axes.ymargin": 0.01}
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(8, 7), height_ratios=(len(networks), len(layers)), layout="constrained"
    )
    bars(top, "int8 networks: speed relative to LiteRT", networks)
    bars(bottom, "ResNet-50's convolutions: int8 relative to ONNX Runtime float32", layers)
    figure.supxlabel(f"one thread, {litert['machine']['cpu']}; lines: 80 % of paired runs", fontsize="small")
    figure.savefig(sys.argv[3], metadata={"Date": None})


if __name__ == "__main__":
    main()

"""One picture of how long every peer takes compared with Intaglio."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib

from peers.measure import OURS
from peers.networks import NAMES

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_STYLES: Final = {
    "ONNX Runtime": ("o", "#d1495b"),
    "OpenVINO": ("s", "#7b5ea7"),
    "LiteRT": ("D", "#e0912f"),
    "best float32": ("|", "#8a8a8a"),
}
_OURS_COLOR: Final = "#1f6f8b"


def draw(figures: dict[str, Any], file: Path) -> None:
    """Batch 1 on all of the CPU, a panel for each number of threads."""
    results = [result for result in figures["results"] if result["batch"] == 1 and result["isa"] is None]
    threads = sorted({result["threads"] for result in results})
    if not threads:
        print("no picture: there are no figures of batch 1 on all of the CPU")
        return
    names = [name for name in NAMES if any(result["network"] == name for result in results)]
    style: Any = {"svg.hashsalt": "intaglio", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(style):
        size = (4.2 * len(threads) + 1.2, 0.36 * len(names) + 1.4)
        figure, panels = plt.subplots(1, len(threads), figsize=size, sharey=True, squeeze=False, layout="constrained")
        for axes, count in zip(panels[0], threads, strict=True):
            _panel(axes, names, {result["network"]: result for result in results if result["threads"] == count})
            axes.set_title(f"{count} thread{'s' * (count > 1)}", loc="left")
        panels[0][0].set_yticks(range(len(names)), names)
        panels[0][0].invert_yaxis()
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        figure.supxlabel(f"time relative to {OURS}, batch 1, {figures['machine']['cpu']}", fontsize="medium")
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)


def _panel(axes: Any, names: list[str], results: dict[str, Any]) -> None:
    axes.axvline(1, color=_OURS_COLOR, linewidth=2, label=OURS)
    for label, (marker, color) in _STYLES.items():
        points = []
        for row, name in enumerate(names):
            result = results.get(name)
            engine = result["best_float32"] if result and label == "best float32" else label
            ratio = result["engines"].get(engine, {}).get("ratio") if result else None
            if ratio is not None:
                points.append((ratio, row))
        if points:
            axes.scatter(*zip(*points, strict=True), s=36, marker=marker, color=color, label=label, zorder=3)
    for row, name in enumerate(names):
        best = results[name]["best_peer"] if name in results else None
        if best is not None:
            ratio = results[name]["engines"][best]["ratio"]
            axes.annotate(f"{ratio:.2f}", (ratio, row), (0, 5), textcoords="offset points", ha="center", fontsize=7)
    axes.set_xscale("log")
    axes.autoscale(axis="x")
    low, high = axes.get_xlim()
    ticks = [tick for tick in (0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}x" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

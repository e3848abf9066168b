"""Whole-process time and peak memory of import, load and first answer of MobileNetV2: Intaglio and LiteRT in turn.

python benchmarks/startup.py [--json figures.json]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import data
import intaglio
import report
from intaglio.cli import text

_PROGRAMS = {
    "Intaglio (.tflite)": """
import sys, numpy, intaglio
model = intaglio.load(sys.argv[1], threads=1)
model(numpy.zeros(model.inputs[0].shape, model.inputs[0].dtype))
""",
    "Intaglio (.intaglio)": """
import sys, numpy, intaglio
model = intaglio.load(sys.argv[2], threads=1)
model(numpy.zeros(model.inputs[0].shape, model.inputs[0].dtype))
""",
    "LiteRT": """
import sys, numpy
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
(detail,) = interpreter.get_input_details()
interpreter.set_tensor(detail["index"], numpy.zeros(detail["shape"], detail["dtype"]))
interpreter.invoke()
interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
""",
    "NumPy alone": "import numpy",
}


# Peak memory as the process itself sees it: what wait4 reports would include this parent's, from before exec.
_REPORT = """
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def child(program: str, *files: Path) -> tuple[float, int]:
    """Seconds from start to end of a process, and its peak resident bytes."""
    command = [sys.executable, "-c", program + _REPORT, *map(str, files)]
    start = time.perf_counter()
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start, int(finished.stdout.split()[-1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    network = data.require_models() / data.NETWORKS["MobileNetV2"]
    runs: dict[str, list[tuple[float, int]]] = {name: [] for name in _PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        converted = Path(folder) / "network.intaglio"
        intaglio.convert(network).save(converted)
        for index in range(arguments.rounds + 1):
            for name, program in _PROGRAMS.items():
                measured = child(program, network, converted)
                if index > 0:  # the first round fills the page cache
                    runs[name].append(measured)
    figures: dict[str, Any] = {
        name: {
            "seconds": statistics.median(seconds for seconds, _ in measured),
            "peak_bytes": statistics.median(peak for _, peak in measured),
        }
        for name, measured in runs.items()
    }
    rows = [
        (name, text.duration(values["seconds"]), text.size(values["peak_bytes"])) for name, values in figures.items()
    ]
    report.publish(
        "MobileNetV2: import, load, first answer, one thread (medians of whole processes)",
        text.table(("process", "time", "peak memory"), rows, right=("time", "peak memory")),
        {"machine": report.machine("ai-edge-litert"), "processes": figures},
        arguments.json,
    )


if __name__ == "__main__":
    main()

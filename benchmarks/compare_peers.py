"""Intaglio, ONNX Runtime, OpenVINO and LiteRT on whole networks, in turn.

    python benchmarks/compare_peers.py [--quick] [--networks ResNet-50 MLP] [--json figures.json] [--plot figures.svg]

`make bench-peers` runs it in an environment of its own. Engines that are not installed are left out, and so are
networks of the data folder where there is none.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import report
from intaglio import cpu
from peers import tables
from peers.measure import OURS, Conditions, engine_files, engine_of, measure
from peers.networks import NAMES, prepare
from peers.processes import TIERS

_MODULES: Final = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "LiteRT": "ai_edge_litert"}
_PACKAGES: Final = ("onnxruntime", "openvino", "ai-edge-litert")
_FOLDER: Final = Path(__file__).resolve().parent.parent / "build" / "peers"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter blocks, one thread, batch 1")
    parser.add_argument("--networks", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--engines", nargs="+", choices=_MODULES, default=tuple(_MODULES), metavar="NAME")
    parser.add_argument("--threads", nargs="+", type=int, metavar="N")
    parser.add_argument("--batch", nargs="+", type=int, metavar="N")
    parser.add_argument(
        "--isa", choices=TIERS, help="what Intaglio and OpenVINO may use of the CPU; others cannot be told"
    )
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--json", type=Path, default=_FOLDER / "figures.json", metavar="FILE")
    parser.add_argument("--resume", action="store_true", help="measure only what FILE does not have yet")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where networks are made")
    chosen = parser.parse_args()
    chosen.threads = chosen.threads or ([1] if chosen.quick else [1, 2])
    chosen.batch = chosen.batch or ([1] if chosen.quick else [1, 8])
    chosen.rounds = chosen.rounds or (3 if chosen.quick else 11)
    chosen.seconds = 0.01 if chosen.quick else 0.05
    return chosen


def conditions(chosen: argparse.Namespace) -> Iterator[Conditions]:
    cores = len(os.sched_getaffinity(0))
    for threads, batch in itertools.product(chosen.threads, chosen.batch):
        if threads <= cores:
            yield Conditions(threads, batch, chosen.isa)
        elif batch == chosen.batch[0]:
            print(f"{threads} threads left out: there are {cores} cores")


def start(chosen: argparse.Namespace) -> dict[str, Any]:
    """No figures yet, or those of the file."""
    machine = report.machine(*_PACKAGES)
    if not chosen.resume or not chosen.json.exists():
        return {"machine": machine, "results": []}
    figures: dict[str, Any] = json.loads(chosen.json.read_text(encoding="utf-8"))
    if figures["machine"] != machine:
        raise SystemExit(f"{chosen.json} has figures of another machine or of other versions")
    return figures


def main() -> None:
    chosen = arguments()
    figures = start(chosen)
    installed = [name for name in chosen.engines if importlib.util.find_spec(_MODULES[name])]
    for name in set(chosen.engines) - set(installed):
        print(f"{name} left out: it is not installed")
    if chosen.isa is not None and chosen.isa not in cpu.tiers():
        raise SystemExit(f"this CPU has no {chosen.isa}: it has {', '.join(cpu.tiers())}")
    known = {(result["network"], *(result[field] for field in Conditions._fields)) for result in figures["results"]}
    wanted = list(conditions(chosen))
    for name in chosen.networks:
        missing = [condition for condition in wanted if (name, *condition) not in known]
        network = prepare(name, chosen.folder) if missing else None
        if network is None:
            if missing:
                print(f"{name} left out: no data folder (set INTAGLIO_DATA to a folder with models/)")
            continue
        files = engine_files(network)
        engines = {key: file for key, file in files.items() if engine_of(key) in (OURS, *installed)}
        for condition in missing:
            result = measure(network, engines, condition, chosen.rounds, chosen.seconds)
            print(tables.line(result), flush=True)
            figures["results"].append(result)
            chosen.json.parent.mkdir(parents=True, exist_ok=True)
            chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    tables.show(figures)
    if chosen.plot is not None:
        from peers import plot

        plot.draw(figures, chosen.plot)
    if disagreements := tables.disagreements(figures["results"]):
        raise SystemExit("\n".join(disagreements))


if __name__ == "__main__":
    main()

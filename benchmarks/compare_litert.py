"""Intaglio and LiteRT on each int8 network, in turn on one core with one thread each.

    python benchmarks/compare_litert.py [--json figures.json]

"call" is arrays in to arrays out for both; "invoke" leaves out LiteRT's copies in and out, but none of ours.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import data
import intaglio
import paired
import report
from intaglio.cli import text
from litert import LiteRT


def measure(path: Path, rounds: int) -> dict[str, Any]:
    model = intaglio.load(path, threads=1)
    peer = LiteRT(path)
    arrays = [data.random_array(tuple(detail["shape"]), detail["dtype"]) for detail in peer.inputs]
    return {
        "call": asdict(paired.compare(lambda: model(*arrays), lambda: peer(*arrays), rounds)),
        "invoke": asdict(paired.compare(lambda: model(*arrays), peer.invoke, rounds)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    folder = data.require_models()
    paired.pin_to_one_core()
    networks = {name: measure(folder / file, arguments.rounds) for name, file in data.NETWORKS.items()}
    columns = ("Intaglio", "LiteRT", "ratio", "80 % of pairs", "ratio to invoke")
    rows = [
        (
            name,
            text.duration(figures["call"]["ours"]),
            text.duration(figures["call"]["other"]),
            f"{figures['call']['ratio']:.2f}",
            f"{figures['call']['low']:.2f} to {figures['call']['high']:.2f}",
            f"{figures['invoke']['ratio']:.2f}",
        )
        for name, figures in networks.items()
    ]
    report.publish(
        "LiteRT's time over Intaglio's, one thread each",
        text.table(("network", *columns), rows, right=columns),
        {"machine": report.machine("ai-edge-litert"), "networks": networks},
        arguments.json,
    )


if __name__ == "__main__":
    main()

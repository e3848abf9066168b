"""`intaglio convert`: a network of another format into an .intaglio or .onnx file."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from intaglio.cli import options, output

if TYPE_CHECKING:
    import intaglio


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help=".onnx or .tflite file")
    output.add_argument(parser)
    parser.add_argument(
        "--dump-passes",
        type=Path,
        metavar="DIR",
        help="write the graph as text before and after every pass that changes it",
    )
    options.add_requant(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    import intaglio
    from intaglio.passes.sequence import watching

    target = output.destination(arguments)
    watch = nullcontext() if arguments.dump_passes is None else watching(Dump(arguments.dump_passes))
    with watch:
        graph = intaglio.convert(arguments.source, requant=arguments.requant)
    output.write(graph, target, arguments)


class Dump:
    """Writes the passes to a folder, numbered in the order in which they run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0

    def __call__(self, name: str, before: intaglio.Graph, after: intaglio.Graph) -> None:
        self._count += 1
        if (before.nodes, before.tensors) == (after.nodes, after.tensors):
            return
        for when, graph in (("before", before), ("after", after)):
            (self._folder / f"{self._count:02}_{name}.{when}.txt").write_text(graph.summary() + "\n", "utf-8")

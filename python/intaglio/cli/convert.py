"""`intaglio convert`: a network of another format into an .intaglio file."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from intaglio.cli import options, text

if TYPE_CHECKING:
    import intaglio


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help=".onnx or .tflite file")
    parser.add_argument("-o", "--output", type=Path, help="file to write (default: the source's name with .intaglio)")
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

    output: Path = arguments.output or arguments.source.with_suffix(".intaglio")
    if output.exists() and output.samefile(arguments.source):
        raise intaglio.Error(f"{output} is the source itself; name another file with --output")
    watch = nullcontext() if arguments.dump_passes is None else watching(Dump(arguments.dump_passes))
    with watch:
        graph = intaglio.convert(arguments.source, requant=arguments.requant)
    graph.save(output)
    sizes = arguments.source.stat().st_size, output.stat().st_size
    if arguments.json:
        text.print_json(
            {"output": str(output), "nodes": len(graph.nodes), "source_bytes": sizes[0], "output_bytes": sizes[1]}
        )
    else:
        print(f"{output}: {len(graph.nodes)} nodes, {text.size(sizes[1])} (the source has {text.size(sizes[0])})")


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

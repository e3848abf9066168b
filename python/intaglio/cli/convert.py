"""`intaglio convert`: a network of another format into an .intaglio file."""

from __future__ import annotations

import argparse
from pathlib import Path

from intaglio.cli import options, text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help=".onnx or .tflite file")
    parser.add_argument("-o", "--output", type=Path, help="file to write (default: the source's name with .intaglio)")
    options.add_requant(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    import intaglio

    output: Path = arguments.output or arguments.source.with_suffix(".intaglio")
    if output.exists() and output.samefile(arguments.source):
        raise intaglio.Error(f"{output} is the source itself; name another file with --output")
    graph = intaglio.convert(arguments.source, requant=arguments.requant)
    graph.save(output)
    sizes = arguments.source.stat().st_size, output.stat().st_size
    if arguments.json:
        text.print_json(
            {"output": str(output), "nodes": len(graph.nodes), "source_bytes": sizes[0], "output_bytes": sizes[1]}
        )
    else:
        print(f"{output}: {len(graph.nodes)} nodes, {text.size(sizes[1])} (the source has {text.size(sizes[0])})")

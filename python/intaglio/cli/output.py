"""The file that `convert` and `quantize` write."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from intaglio.cli import text

if TYPE_CHECKING:
    import intaglio


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="file to write: .intaglio, or .onnx for a QDQ network (default: the source's name with .intaglio)",
    )


def destination(arguments: argparse.Namespace) -> Path:
    """Where to write; never over the source."""
    import intaglio

    output: Path = arguments.output or arguments.source.with_suffix(".intaglio")
    if output.suffix not in (".intaglio", ".onnx"):
        raise intaglio.Error(f"{output}: expected a name that ends in .intaglio or .onnx")
    if output.exists() and output.samefile(arguments.source):
        raise intaglio.Error(f"{output} is the source itself; name another file with --output")
    return output


def write(graph: intaglio.Graph, output: Path, arguments: argparse.Namespace) -> None:
    """Writes the file and says how large it is."""
    if output.suffix == ".onnx":
        graph.to_onnx(output)
    else:
        graph.save(output)
    source, written = arguments.source.stat().st_size, output.stat().st_size
    if arguments.json:
        figures = {"output": str(output), "nodes": len(graph.nodes), "source_bytes": source, "output_bytes": written}
        text.print_json(figures)
    else:
        print(f"{output}: {len(graph.nodes)} nodes, {text.size(written)} (the source has {text.size(source)})")

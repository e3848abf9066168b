"""`intaglio compare`: a quantized network against its float one."""

from __future__ import annotations

import argparse
from pathlib import Path

from intaglio.cli import options, samples


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help=".onnx or .tflite file with the float network")
    parser.add_argument("quantized", type=Path, help=".intaglio, .onnx or .tflite file with the quantized network")
    samples.add_arguments(parser, "--data", "examples of the input", required=True)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page for the browser too")
    parser.add_argument("--worst", type=options.positive, default=10, metavar="N", help="layers to show (default: 10)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    import intaglio
    from intaglio.comparison.wording import as_text

    source, quantized = intaglio.convert(arguments.source), intaglio.convert(arguments.quantized)
    data = samples.read(arguments.data, source, arguments)
    comparison = intaglio.compare(source, quantized, data, progress=not arguments.quiet)
    if arguments.html is not None:
        comparison.html(arguments.html)
    print(comparison.to_json() if arguments.json else as_text(comparison, arguments.worst))

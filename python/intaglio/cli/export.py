"""`intaglio export`: a network as C source or an object file, ready to link."""

from __future__ import annotations

import argparse
from pathlib import Path

from intaglio.cli import options, text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help=".intaglio, .onnx or .tflite file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="file to write, a header beside it: .c (an array) or .o (ELF)"
    )
    parser.add_argument("--name", help="of the array in C, and of the header (default: the output's name)")
    parser.add_argument(
        "--machine", metavar="NAME", help="what an object file is for: x86_64, aarch64, armv7l, riscv64 (default: this)"
    )
    options.add_requant(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    import intaglio

    graph = intaglio.convert(arguments.source, requant=arguments.requant)
    files = graph.embed(arguments.output, name=arguments.name, machine=arguments.machine)
    sizes = {str(file): file.stat().st_size for file in files}
    if arguments.json:
        text.print_json({"files": sizes})
    else:
        print("\n".join(f"{file}: {text.size(size)}" for file, size in sizes.items()))

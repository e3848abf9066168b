"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import intaglio


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_requant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--requant",
        choices=("float32", "fixed"),
        default="float32",
        help="rounding of a .tflite network: float32 as LiteRT's fast kernels, fixed as TFLite's reference kernels",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """The network and how to load it."""
    parser.add_argument("model", type=Path, help=".intaglio, .onnx or .tflite file")
    parser.add_argument("--threads", type=positive, help="most threads to use (default: every core this process has)")
    parser.add_argument("--isa", help="force an instruction-set tier (`intaglio doctor` lists them)")
    add_requant(parser)


def load_model(arguments: argparse.Namespace) -> intaglio.Model:
    import intaglio

    return intaglio.load(arguments.model, threads=arguments.threads, isa=arguments.isa, requant=arguments.requant)

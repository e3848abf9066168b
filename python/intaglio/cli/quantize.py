"""`intaglio quantize`: a float network into an int8 one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from intaglio.cli import options, output, samples

if TYPE_CHECKING:
    import intaglio
    from intaglio.calibration import Statistics

_METHODS: Final = ("min_max", "percentile", "mse", "entropy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help=".onnx or .tflite file with a float network")
    output.add_argument(parser)
    samples.add_arguments(parser, "--calibration", "examples of the input, which a static scheme needs", required=False)
    group = parser.add_argument_group("quantization")
    group.add_argument("--scheme", choices=("static", "dynamic", "weight_only"), default="static")
    group.add_argument("--method", choices=_METHODS, default="mse", help="how ranges are chosen (default: mse)")
    group.add_argument("--activations", choices=("int8", "int8_symmetric"), default="int8")
    group.add_argument("--per-tensor", action="store_true", help="one scale for all channels of a weight")
    group.add_argument(
        "--recover",
        choices=("equalize", "bias"),
        nargs="*",
        default=["equalize", "bias"],
        help="what is done against the loss of accuracy (default: both)",
    )
    group.add_argument(
        "--keep-float", nargs="+", default=[], metavar="NODE", help="nodes that stay float: names, or re:PATTERN"
    )
    parser.add_argument(
        "--statistics",
        type=Path,
        metavar="FILE",
        help="JSON file for what calibration measures: written, or without --calibration read",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    import intaglio

    target = output.destination(arguments)
    source = intaglio.convert(arguments.source)
    graph = intaglio.quantize(
        source,
        calibration(source, arguments) if arguments.scheme == "static" else (),
        scheme=arguments.scheme,
        activations=arguments.activations,
        calibration_method=arguments.method,
        per_channel=not arguments.per_tensor,
        recover=arguments.recover,
        keep_float=arguments.keep_float,
    )
    output.write(graph, target, arguments)


def calibration(source: intaglio.Graph, arguments: argparse.Namespace) -> Statistics:
    """What is known of the network's tensors: measured now, or read from a file."""
    import intaglio
    from intaglio.calibration import Statistics

    if arguments.calibration is None:
        if arguments.statistics is None:
            raise intaglio.Error("a static scheme needs examples of the input: --calibration, or --scheme dynamic")
        return Statistics.load(arguments.statistics)
    statistics = intaglio.calibrate(
        source,
        samples.read(arguments.calibration, source, arguments),
        recover=arguments.recover,
        keep_float=arguments.keep_float,
        progress=not arguments.quiet,
    )
    if arguments.statistics is not None:
        statistics.save(arguments.statistics)
    return statistics

"""The command line: one file per subcommand, each with `add_arguments(parser)` and `run(arguments)`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from intaglio.errors import Error

COMMANDS: Final = {
    "demo": "read handwritten digits with a network that ships in the package",
    "convert": "turn a network of another format into an .intaglio file",
    "export": "write a network as C source or an object file, to link into a program",
    "quantize": "turn a float network into an int8 one",
    "compare": "show what quantizing a network costs in accuracy, layer by layer",
    "run": "run a network on arrays or a picture",
    "info": "show tensors, ops, costs, and the kernel each layer takes on this CPU",
    "bench": "measure latency and throughput, in total and per layer",
    "doctor": "show this CPU, the tiers it offers and versions, and check that the engine answers right",
}


def build_parser() -> argparse.ArgumentParser:
    from intaglio import __version__

    parser = argparse.ArgumentParser(prog="intaglio", description="Int8 neural networks on CPUs.")
    parser.add_argument("--version", action="version", version=f"intaglio {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        import_module(f"intaglio.cli.{name}").add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 0 is success, 1 a failure told in one line on stderr, 2 wrong usage."""
    arguments = build_parser().parse_args(argv)
    try:
        import_module(f"intaglio.cli.{arguments.command}").run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has left (`intaglio info net | head`); nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Error, OSError, ImportError) as error:
        print(f"intaglio {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0

"""`intaglio demo`: read handwritten digits, in float32 and in int8."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.cli import options, text

if TYPE_CHECKING:
    from intaglio.demo import Contender, Result

_PER_ROW: Final = 4
_SHOWN: Final = 8
_LARGEST_PIXEL: Final = 16
_INK: Final = " ░▒▓█"
_ASCII_INK: Final = " .+#@"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    from intaglio import demo
    from intaglio.errors import Error

    result = demo.run()
    if arguments.json:
        text.print_json(describe(result))
    else:
        print(render(result, ink_for(sys.stdout.encoding)))
    if len(set(result.fingerprints.values())) != 1:
        raise Error("the tiers of this CPU disagree: please report this with the output of `intaglio doctor`")


def describe(result: Result) -> dict[str, Any]:
    def contender(measured: Contender) -> dict[str, Any]:
        return {
            "correct": measured.correct,
            "accuracy": measured.correct / len(result.digits.labels),
            "bytes": measured.bytes,
            "seconds_per_picture": measured.seconds_per_picture,
            "seconds_for_all": measured.seconds_for_all,
        }

    return {
        "test_pictures": len(result.digits.labels),
        "float32": contender(result.float32),
        "int8": contender(result.int8),
        "sha256_by_tier": result.fingerprints,
    }


def ink_for(encoding: str | None) -> str:
    """Five shades from light to dark that the terminal can print."""
    try:
        _INK.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return _ASCII_INK
    return _INK


def render(result: Result, ink: str) -> str:
    total = len(result.digits.labels)
    weights = sum(parameter.size for parameter in result.digits.parameters.values())

    def row(name: str, measured: Contender) -> tuple[str, ...]:
        return (
            name,
            f"{measured.correct / total:.2%} ({measured.correct}/{total})",
            text.size(measured.bytes),
            text.duration(measured.seconds_per_picture),
            text.duration(measured.seconds_for_all),
        )

    columns = ("accuracy", "size", "one picture", f"{total} pictures")
    figures = text.table(
        ("network", *columns),
        [row("float32 (NumPy)", result.float32), row("int8 (Intaglio)", result.int8)],
        right=columns,
    )
    fingerprints = ", ".join(f"{tier} {sha256[:8]}" for tier, sha256 in result.fingerprints.items())
    return "\n\n".join(
        [
            f"Handwritten digits of 8x8 pixels, read by a residual CNN with {weights:,} parameters.",
            figures,
            f"SHA-256 of all answers, by tier of this CPU: {fingerprints}.",
            gallery(result, ink),
            "Next:\n"
            "  intaglio doctor               what this CPU offers\n"
            "  intaglio info net.tflite      what a network costs, and the kernel each layer takes here\n"
            "  intaglio bench net.tflite     how fast it runs, layer by layer",
        ]
    )


def chosen(result: Result) -> NDArray[np.intp]:
    """The pictures to show: the first of several digits, and last one that int8 gets wrong, if there is one."""
    wrong = np.flatnonzero(result.int8.predictions != result.digits.labels)
    first = [np.flatnonzero(result.digits.labels == digit)[0] for digit in range(_SHOWN)]
    return np.array([*first[: _SHOWN - 1], *(wrong[:1] if wrong.size else first[-1:])])


def gallery(result: Result, ink: str) -> str:
    """The chosen pictures as text, each with what int8 reads below it."""
    width = 2 * result.digits.images.shape[2]
    gap = " " * 3
    pictures = chosen(result)
    blocks = []
    for start in range(0, len(pictures), _PER_ROW):
        indices = pictures[start : start + _PER_ROW]
        drawn = [draw(result.digits.images[index, ..., 0], ink) for index in indices]
        captions = [caption(result, index).center(width) for index in indices]
        lines = [gap.join(line).rstrip() for line in zip(*drawn, strict=True)]
        blocks.append("\n".join([*lines, gap.join(captions).rstrip()]))
    return "\n\n".join(blocks)


def caption(result: Result, index: np.intp) -> str:
    read, label = int(result.int8.predictions[index]), int(result.digits.labels[index])
    return f"reads {read}" if read == label else f"reads {read}, is {label}"


def draw(image: NDArray[np.uint8], ink: str) -> list[str]:
    shades = (image.astype(int) * (len(ink) - 1) + _LARGEST_PIXEL // 2) // _LARGEST_PIXEL
    return ["".join(ink[shade] * 2 for shade in row) for row in shades]

"""Functions and inner loops of object files, as objdump prints them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def functions(path: Path, objdump: str = "objdump") -> dict[str, list[tuple[int, str]]]:
    """Addresses and instructions by function."""
    command = [objdump, "-dC", "--no-show-raw-insn", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[tuple[int, str]]] = {}
    lines: list[tuple[int, str]] = []
    for line in text.splitlines():
        if heading := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            lines = found.setdefault(heading[1], [])
        elif instruction := re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line):
            lines.append((int(instruction[1], 16), instruction[2].strip()))
    return found


def inner_loops(lines: list[tuple[int, str]], jumps: re.Pattern[str]) -> Iterator[list[str]]:
    """Runs of instructions from the target of a backward jump to the jump, with no other jump between.

    ``jumps`` matches jumps, its first group their targets.
    """
    places = {address: i for i, (address, _) in enumerate(lines)}
    for end, (_, text) in enumerate(lines):
        jump = jumps.match(text)
        start = places.get(int(jump[1], 16)) if jump else None
        if start is not None and start <= end:
            body = [text for _, text in lines[start : end + 1]]
            if not any(jumps.match(text) for text in body[:-1]):
                yield body

"""Instructions per inference, tier by tier, counted by qemu-user: a measure that no machine's speed enters.

    python tests/everywhere/instructions.py FILE...

FILE is a file of cases of `make test-everywhere`, such as build/everywhere/cases/mlperf_kws_int8-float32. The count of
one run is half of what two more runs add.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from matrix import ROOT, build

BUILD = ROOT / "build" / "everywhere"
#: What is built, the emulator with a CPU that has every tier it can emulate, and those tiers.
EMULATED = {
    "x86_64": (("qemu-x86_64", "-cpu", "max"), ("scalar", "avx2")),
    "aarch64": (("qemu-aarch64", "-cpu", "max"), ("scalar", "neon", "dotprod", "i8mm")),
    "armv7": (("qemu-arm",), ("scalar",)),
    "riscv64": (("qemu-riscv64",), ("scalar",)),
}


def count(emulator: tuple[str, ...], plugin: Path, program: Path, tier: str, file: Path, repeats: int) -> int:
    """Instructions of a whole process that runs every case so many times."""
    command = [*emulator, "-plugin", str(plugin), str(program), f"--isa={tier}", f"--repeat={repeats}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stderr.split("instructions")[1])


def main() -> None:
    plugin = BUILD / "count_instructions.so"
    BUILD.mkdir(parents=True, exist_ok=True)
    source = ROOT / "tests" / "everywhere" / "count_instructions.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(plugin), str(source)], check=True)
    for kind, (emulator, tiers) in EMULATED.items():
        program = build(kind, BUILD) / "run_cases"
        for tier in tiers:
            for file in map(Path, sys.argv[1:]):
                once, thrice = (count(emulator, plugin, program, tier, file, repeats) for repeats in (1, 3))
                print(f"{kind:8} {tier:8} {file.name:40} {(thrice - once) // 2:>14,}")


if __name__ == "__main__":
    main()

"""The CPUs of the matrix: how to build for each, how to run there, and which tier it is to choose."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

APT_PACKAGES = {
    "qemu-aarch64": "qemu-user",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "arm-linux-gnueabihf-g++": "g++-arm-linux-gnueabihf",
    "riscv64-linux-gnu-g++": "g++-riscv64-linux-gnu",
    "arm-none-eabi-g++": "libstdc++-arm-none-eabi-newlib",
    "qemu-system-arm": "qemu-system-arm",
}


@dataclass(frozen=True)
class Target:
    """One line of the matrix."""

    name: str
    build: str
    """What to build for: x86_64 is this machine, anything else has a file in cmake/toolchains."""
    tier: str
    emulator: tuple[str, ...] = ()
    """The command that runs the program; empty for this machine itself."""
    quick: bool = False
    """Whether the short matrix has it."""
    modelled_on: str = ""
    """The tier of this machine that runs a model of the instructions in their place: this tests logic only."""
    board: bool = False
    """Whether a whole board is emulated, to which programs and arguments are given in another way."""

    @property
    def program(self) -> str:
        return "run_cases_models" if self.modelled_on else "run_cases"

    def command(self, program: Path, files: list[Path]) -> list[str]:
        """Runs the files. An emulated CPU must choose its tier by itself; this one is told."""
        if self.board:
            arguments = [f"arg={word}" for word in (program.name, *map(str, files))]
            semihosting = ",".join(["enable=on,target=native,chardev=console", *arguments])
            return [*self.emulator, "-semihosting-config", semihosting, "-kernel", str(program)]
        options = [] if self.emulator else [f"--isa={self.tier}"]
        return [*self.emulator, str(program), *options, *map(str, files)]

    def missing(self) -> str | None:
        """The program that this machine lacks, if any."""
        compilers = {
            "aarch64": "aarch64-linux-gnu-g++",
            "armv7": "arm-linux-gnueabihf-g++",
            "riscv64": "riscv64-linux-gnu-g++",
            "cortex-m3": "arm-none-eabi-g++",
        }
        needed = [*self.emulator[:1], *([compilers[self.build]] if self.build in compilers else [])]
        return next((program for program in needed if shutil.which(program) is None), None)


def _arm(cpu: str, tier: str) -> Target:
    return Target(f"aarch64 {cpu}", "aarch64", tier, ("qemu-aarch64", "-cpu", cpu), quick=True)


def _model(tier: str, modelled_on: str) -> Target:
    return Target("x86-64 (model)", "x86_64", tier, quick=True, modelled_on=modelled_on)


_X86 = (
    Target("x86-64", "x86_64", "scalar"),
    Target("x86-64", "x86_64", "avx2"),
    Target("x86-64", "x86_64", "avxvnni"),
    Target("x86-64", "x86_64", "avx512vnni"),
    Target("x86-64", "x86_64", "amx"),
    _model("avxvnni", "avx2"),
    _model("amx", "avx512vnni"),
    Target("x86-64 Nehalem", "x86_64", "scalar", ("qemu-x86_64", "-cpu", "Nehalem"), quick=True),
)

# An FPGA image with a Cortex-M3; what programs print comes out of qemu.
_BOARD = ("qemu-system-arm", "-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "none")
_CONSOLE = ("-chardev", "stdio,id=console")

TARGETS = (
    *(_X86 if platform.machine() == "x86_64" else ()),
    _arm("cortex-a53", "neon"),
    _arm("neoverse-n1", "dotprod"),
    _arm("max", "i8mm"),
    Target("armv7", "armv7", "scalar", ("qemu-arm",)),
    Target("riscv64", "riscv64", "scalar", ("qemu-riscv64",)),
    Target("Cortex-M3", "cortex-m3", "scalar", (*_BOARD, *_CONSOLE), quick=True, board=True),
)

"""The CPUs of the matrix: how to build for each, how to run there, and which tier it is to choose."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass

APT_PACKAGES = {
    "qemu-aarch64": "qemu-user",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "arm-linux-gnueabihf-g++": "g++-arm-linux-gnueabihf",
    "riscv64-linux-gnu-g++": "g++-riscv64-linux-gnu",
}


@dataclass(frozen=True)
class Target:
    """One line of the matrix."""

    name: str
    build: str
    """What to build for: x86_64 is this machine, anything else has cmake/toolchains/<build>-linux.cmake."""
    tier: str
    emulator: tuple[str, ...] = ()
    """The command that runs the program; empty for this machine itself."""
    quick: bool = False
    """Whether the short matrix has it."""
    modelled_on: str = ""
    """The tier of this machine that runs a model of the instructions in their place: this tests logic only."""

    @property
    def program(self) -> str:
        return "run_cases_models" if self.modelled_on else "run_cases"

    @property
    def command(self) -> tuple[str, ...]:
        """An emulated CPU must choose its tier by itself; this one is told."""
        return self.emulator

    @property
    def options(self) -> tuple[str, ...]:
        return () if self.emulator else (f"--isa={self.tier}",)

    def missing(self) -> str | None:
        """The program that this machine lacks, if any."""
        compilers = {
            "aarch64": "aarch64-linux-gnu-g++",
            "armv7": "arm-linux-gnueabihf-g++",
            "riscv64": "riscv64-linux-gnu-g++",
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

TARGETS = (
    *(_X86 if platform.machine() == "x86_64" else ()),
    _arm("cortex-a53", "neon"),
    _arm("neoverse-n1", "dotprod"),
    _arm("max", "i8mm"),
    Target("armv7", "armv7", "scalar", ("qemu-arm",)),
    Target("riscv64", "riscv64", "scalar", ("qemu-riscv64",)),
)

"""What this CPU offers the engine."""

from __future__ import annotations

from intaglio import _core

__all__ = ["cores", "features", "name", "tiers"]


def name() -> str:
    """The maker's name for the CPU; empty where it gives none."""
    return _core.cpu_name()


def features() -> tuple[str, ...]:
    """The instruction-set extensions the engine can use here, named as in /proc/cpuinfo."""
    return tuple(_core.cpu_features())


def tiers() -> tuple[str, ...]:
    """The tiers this CPU can run, worst first: the last is the default, each is a value for ``isa=``."""
    return tuple(_core.tiers())


def cores() -> int:
    """How many cores this process may use: the default for ``threads=``."""
    return _core.usable_cores()

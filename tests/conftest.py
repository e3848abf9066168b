"""What all tests share: the data folder and Hypothesis profiles."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("fresh", deadline=None, print_blob=True)
hypothesis.settings.load_profile("fresh" if os.environ.get("INTAGLIO_FRESH_SEED") else "repeatable")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of networks and pictures: INTAGLIO_DATA, or the data folder beside the repository."""
    folder = Path(os.environ.get("INTAGLIO_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "models").is_dir():
        pytest.skip(f"needs the data folder: {folder} has no models/ (set INTAGLIO_DATA)")
    return folder


_ARM = platform.machine() in ("aarch64", "arm64")
_TIERS = ["scalar", *(["neon", "dotprod", "i8mm"] if _ARM else ["avx2", "avxvnni", "avx512vnni", "amx"])]


@pytest.fixture(params=_TIERS)
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction-set tier that this CPU has."""
    from intaglio import cpu

    tier = str(request.param)
    if tier not in cpu.tiers():
        pytest.skip(f"this CPU lacks the tier {tier}: it has {', '.join(cpu.tiers())}")
    return tier

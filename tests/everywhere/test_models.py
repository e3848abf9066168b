"""Kernels of instructions that few CPUs have, with models of these: logic only. A CPU that has them runs them as any
other tier in the tests of ops and networks."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import cases
import matrix
import pytest
from targets import TARGETS, Target

from intaglio import cpu

MODELS = [target for target in TARGETS if target.modelled_on]


@pytest.fixture(scope="module")
def programs(root: Path) -> Path:
    """Those of `make test-everywhere`, built by whichever of pytest-xdist's workers comes first."""
    if not shutil.which("cmake"):
        pytest.skip("needs cmake")
    folder = root / "build" / "everywhere"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "models.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return matrix.build("x86_64", folder, "run_cases_models")


@pytest.mark.parametrize("target", MODELS, ids=[target.tier for target in MODELS])
def test_kernels_on_models_equal_the_oracle(target: Target, programs: Path, tmp_path: Path) -> None:
    if target.modelled_on not in cpu.tiers():
        pytest.skip(f"the model of {target.tier} needs {target.modelled_on}: this CPU has {', '.join(cpu.tiers())}")
    files = [
        cases.write_demo(tmp_path),
        cases.write_random_ops(tmp_path, 3),
        cases.write_large_sums(tmp_path, 25),
        cases.write_windows(tmp_path),
    ]
    outcome = matrix.run(target, programs, files)
    assert not outcome.failure
    assert len(outcome.hashes) == len(files)
    if target.tier == "avxvnni":
        assert outcome.modelled["vpdpwssd"] > 0
    if target.tier == "amx":
        assert {f"tdpbusd.tmm{tile}" for tile in range(4)} <= outcome.modelled.keys()

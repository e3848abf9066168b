"""The same bits on every CPU: builds for each, runs there or under an emulator, and prints one hash per file of cases.

    python tests/everywhere/matrix.py [--quick] [--build DIR] [--data DIR]

Fails where a hash differs, an output differs from the oracle, a CPU chooses another tier than it should, or a kernel of
a tier never ran. A CPU that cannot be had here is reported and left out.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cases
from targets import APT_PACKAGES, TARGETS, Target

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Outcome:
    """What one run of run_cases printed."""

    target: Target
    tier: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    kernels: Counter[str] = field(default_factory=Counter)
    modelled: Counter[str] = field(default_factory=Counter)
    failure: str = ""


def build(target: str, folder: Path, *programs: str) -> Path:
    """All test programs for one kind of CPU, or those that are named, in the folder that is returned."""
    toolchains = ROOT / "cmake" / "toolchains"
    options = [f"-DCMAKE_TOOLCHAIN_FILE={file}" for file in toolchains.glob("*.cmake") if is_for(file, target)]
    if shutil.which("ninja"):
        options.append("-GNinja")
    place = folder / target
    _run("cmake", "-S", str(ROOT / "tests" / "everywhere"), "-B", str(place), "-DINTAGLIO_WERROR=ON", *options)
    _run(
        "cmake",
        "--build",
        str(place),
        "--parallel",
        str(os.cpu_count() or 1),
        *(["--target", *programs] if programs else []),
    )
    return place


def is_for(toolchain: Path, target: str) -> bool:
    return toolchain.stem in (target, f"{target}-linux")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def run(target: Target, programs: Path, files: list[Path]) -> Outcome:
    """All files on one CPU."""
    done = subprocess.run(target.command(programs / target.program, files), capture_output=True, text=True, check=False)
    outcome = Outcome(target)
    for line in done.stdout.splitlines():
        match line.split():
            case ["tier", tier]:
                outcome.tier = tier
            case ["file", name, digest, _, _]:
                outcome.hashes[name] = digest
            case ["kernel", name, count]:
                outcome.kernels[name] = int(count)
            case ["model", instruction, count]:
                outcome.modelled[instruction] = int(count)
    if done.returncode != 0:
        outcome.failure = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[0]
    elif outcome.tier != target.tier:
        outcome.failure = f"chose the tier {outcome.tier}"
    elif idle := [name for name in kernels_of(target.tier) if outcome.kernels[name] == 0]:
        outcome.failure = f"never ran {', '.join(idle)}"
    elif target.modelled_on and not outcome.modelled.total():
        outcome.failure = "never ran a modelled instruction"
    return outcome


def kernels_of(tier: str) -> list[str]:
    """The kernels of sums of products that are the tier's own: their symbols are their names."""
    text = (ROOT / "csrc" / "kernels" / "kernels.inc").read_text(encoding="utf-8")
    rows = re.findall(r"KERNEL\((\w+), \w+, (\w+), k(\w+)\)", text)
    own = ("gemm", "depthwise", "winograd_products")
    return [symbol for family, symbol, isa in rows if family in own and isa.lower() == tier]


def own_runs(outcome: Outcome) -> int:
    """How often kernels of the tier ran, of any family."""
    ends = {"avx512vnni": ("_avx512vnni", "_avx512"), "avxvnni": ("_avxvnni", "_avx2")}
    ends["amx"] = ("_amx", *ends["avx512vnni"])
    ends |= {"dotprod": ("_dotprod", "_neon"), "i8mm": ("_i8mm", "_neon")}
    return sum(n for name, n in outcome.kernels.items() if name.endswith(ends.get(outcome.tier, (f"_{outcome.tier}",))))


def print_matrix(outcomes: list[Outcome], names: list[str]) -> bool:
    """Whether all is well."""
    well = True
    print(f"\n{'CPU':20} {'tier':11} {'kernel runs':>11}  files")
    for outcome in outcomes:
        verdict = outcome.failure or f"{len(outcome.hashes)} of {len(names)} equal the oracle"
        well = well and not outcome.failure
        if outcome.target.modelled_on:
            verdict += f"; logic only, {outcome.modelled.total()} modelled instructions"
        print(f"{outcome.target.name:20} {outcome.tier:11} {own_runs(outcome):11}  {verdict}")
    print(f"\n{'file':40} {'CPUs':>4}  SHA-256 of the outputs")
    for name in names:
        digests = Counter(outcome.hashes.get(name, "did not run") for outcome in outcomes)
        well = well and len(digests) == 1
        for digest, count in digests.items():
            print(f"{name:40} {count:4}  {digest}")
    return well


def write_cases(folder: Path, data: Path, quick: bool) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        cases.write_demo(folder),
        cases.write_random_ops(folder, 6 if quick else 25),
        cases.write_large_sums(folder, 25),
        cases.write_windows(folder),
    ]
    if quick:
        return files
    if not (data / "models").is_dir():
        print(f"left out: the networks of the data folder ({data} has no models/: set INTAGLIO_DATA)")
        return files
    return [*files, *cases.write_networks(folder, data / "models")]


def choose_targets(quick: bool) -> list[Target]:
    """Those of the matrix that can be had here; says which cannot."""
    from intaglio import cpu

    chosen = []
    for target in TARGETS:
        if quick and not target.quick:
            continue
        if program := target.missing():
            print(f"left out: {target.name}: needs {program} (package {APT_PACKAGES.get(program, 'qemu-user')})")
        elif not target.emulator and (target.modelled_on or target.tier) not in cpu.tiers():
            print(f"left out: {target.name} {target.tier}: this CPU has {', '.join(cpu.tiers())}")
        else:
            chosen.append(target)
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer CPUs and cases")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "everywhere", help="where to build")
    data = Path(os.environ.get("INTAGLIO_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of networks")
    arguments = parser.parse_args()
    targets = choose_targets(arguments.quick)
    files = write_cases(arguments.build / "cases", arguments.data, arguments.quick)
    programs = {kind: build(kind, arguments.build) for kind in dict.fromkeys(target.build for target in targets)}
    outcomes = [run(target, programs[target.build], files) for target in targets]
    return 0 if print_matrix(outcomes, [file.name for file in files]) else 1


if __name__ == "__main__":
    sys.exit(main())

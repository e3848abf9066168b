"""The compiled kernels hold what they should: inner loops in registers, and each instruction set in its own files.

Reads the object files of the build directory: INTAGLIO_BUILD, or the newest that installing from the repository left
in build/.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from disassembly import functions, inner_loops

if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip(f"knows x86-64 code only, this is {platform.machine()}", allow_module_level=True)
if not (shutil.which("objdump") and shutil.which("nm")):
    pytest.skip("needs objdump and nm (binutils)", allow_module_level=True)

DOTS = {"x86_avx2": "vpmaddwd", "x86_avxvnni": "vpdpbusd", "x86_avx512vnni": "vpdpbusd", "x86_amx": "tdpbusd"}
WORD_DOTS = {"x86_avx2": "vpmaddwd", "x86_avxvnni": "vpdpwssd", "x86_avx512vnni": "vpdpwssd"}
#: What tiers lack: they run another's kernels.
LACKING = {("x86_avxvnni", "float_gemm"), ("x86_amx", "float_gemm"), ("x86_amx", "depthwise"), ("x86_amx", "winograd")}
JUMP = re.compile(r"j\w+\s+([0-9a-f]+)")


@pytest.fixture(scope="module")
def build() -> Path:
    """The directory that the library was built in."""
    if "INTAGLIO_BUILD" in os.environ:
        return Path(os.environ["INTAGLIO_BUILD"])
    root = Path(__file__).resolve().parent.parent.parent
    caches = sorted(root.glob("build/*/CMakeCache.txt"), key=lambda path: path.stat().st_mtime)
    if not caches:
        pytest.skip("no build directory: set INTAGLIO_BUILD, or install from the repository")
    return caches[-1].parent


def objects(build: Path, target: str, pattern: str = "*.o") -> list[Path]:
    """The object files of a CMake target."""
    found = sorted((build / "CMakeFiles" / f"{target}.dir").rglob(pattern))
    assert found, f"{build} holds no {pattern} of {target}"
    return found


@pytest.mark.parametrize(
    ("family", "registers"), [("gemm", "%"), ("winograd", "%"), ("depthwise", "%[xyz]mm"), ("float_gemm", "%")]
)
@pytest.mark.parametrize("isa", DOTS)
def test_inner_loops_leave_the_stack_alone(isa: str, family: str, registers: str, build: Path) -> None:
    """GEMM loops never touch it; longer depthwise loops may keep a loop's bound there, but no vector."""
    if (isa, family) in LACKING:
        pytest.skip(f"{isa} has no {family} kernels of its own")
    loops, dot = 0, {"float_gemm": "vfmadd", "winograd": WORD_DOTS.get(isa)}.get(family) or DOTS[isa]
    for path in objects(build, f"intaglio_kernels_{isa}", f"{family}_*.o"):
        for name, lines in functions(path).items():
            # Where rbp does not hold the frame it is a register like any other.
            framed = any(text == "mov    %rsp,%rbp" for _, text in lines)
            stack = re.compile(r"\(%rsp|\(%rbp" if framed else r"\(%rsp")
            for body in inner_loops(lines, JUMP):
                if any(dot in text for text in body):
                    loops += 1
                    touched = [text for text in body if stack.search(text) and re.search(registers, text)]
                    assert not touched, f"{name} in {path.name}: {touched}"
    assert loops >= 4, f"found {loops} loops of dot products"


def test_amx_loops_are_loads_and_products(build: Path) -> None:
    """One for each number of tiles of rows and of panels: nothing else than tile instructions and the counting."""
    (path,) = objects(build, "intaglio_kernels_x86_amx", "gemm_*.o")
    loops = []
    for name, lines in functions(path).items():
        for body in inner_loops(lines, JUMP):
            tiles = [text.split()[0] for text in body if "%tmm" in text]
            if "tdpbusd" not in tiles or "exercise" in name:
                continue
            loops.append((tiles.count("tileloadd"), tiles.count("tdpbusd")))
            others = [text for text in body if "%tmm" not in text]
            assert len(others) <= 7, f"{name}: {others}"
            assert all(re.match(r"(add|sub|lea|cmp|dec|mov +%|jn?e|jb)", text) for text in others), f"{name}: {others}"
    assert sorted(loops) == [(2, 1), (3, 2), (3, 2), (4, 4)]


@pytest.mark.parametrize("isa", DOTS)
def test_kernels_define_no_weak_symbols(isa: str, build: Path) -> None:
    """A weak symbol compiled with wide instructions could be the copy that all other code is linked to."""
    for path in objects(build, f"intaglio_kernels_{isa}"):
        symbols = subprocess.run(["nm", "-C", str(path)], capture_output=True, text=True, check=True).stdout
        weak = [line for line in symbols.splitlines() if re.match(r"[0-9a-f]+ [WVuwv] ", line)]
        assert not weak, f"{path.name}: {weak}"


def expect_none(paths: list[Path], forbidden: str, *, but_in: str = "(?!)") -> None:
    """No function has a forbidden instruction, other than those whose names match ``but_in``."""
    pattern = re.compile(forbidden)
    for path in paths:
        for name, lines in functions(path).items():
            found = [text for _, text in lines if pattern.search(text) and not re.search(but_in, name)]
            assert not found, f"{name} in {path.name}: {found[:3]}"


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("intaglio_kernels_x86_avx2", "gemm_x86_avx2"),
        ("intaglio_kernels_x86_avx2", "winograd_x86_avx2"),
        ("intaglio_kernels_x86_avx512vnni", "gemm_x86_avx512vnni"),
        ("intaglio_kernels_x86_avx512vnni", "winograd_x86_avx512vnni"),
    ],
)
def test_weights_are_fetched_ahead(target: str, source: str, build: Path) -> None:
    """GCC leaves out calls of functions that do nothing but prefetch."""
    (path,) = objects(build, target, f"{source}*.o")
    assert any(text.startswith("prefetch") for lines in functions(path).values() for _, text in lines)


@pytest.mark.parametrize("target", ["intaglio_core", "intaglio_kernels_scalar", "_core"])
def test_code_for_every_cpu_has_no_wide_instructions(target: str, build: Path) -> None:
    expect_none(objects(build, target), r"^v(?!err|erw|mcall)\w+ |%[yz]mm")


@pytest.mark.parametrize("isa", ["x86_avx2", "x86_avxvnni"])
def test_256_bit_kernels_have_no_avx512(isa: str, build: Path) -> None:
    expect_none(objects(build, f"intaglio_kernels_{isa}"), r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])|%k[0-7]|\{%k")


def test_avx2_kernels_have_no_vnni(build: Path) -> None:
    expect_none(objects(build, "intaglio_kernels_x86_avx2"), r"^(\{vex\} )?vpdp")


def test_avx512_kernels_have_no_vbmi(build: Path) -> None:
    """Cascade Lake has AVX512-VNNI without it."""
    expect_none(
        objects(build, "intaglio_kernels_x86_avx512vnni"), r"^vperm(i2|t2)?b |^vpmultishiftqb|^vp(comp|exp)\w+[bw] "
    )


@pytest.mark.parametrize("isa", DOTS)
def test_kernels_are_exact(isa: str, build: Path) -> None:
    """Nothing saturates inside a sum; no product and sum have one rounding but where docs/arithmetic.md says fma."""
    expect_none(objects(build, f"intaglio_kernels_{isa}"), r"vpdpbusds|vpdpwssds|vpmaddubsw")
    contracted = [path for path in objects(build, f"intaglio_kernels_{isa}") if not path.name.startswith("float_gemm_")]
    expect_none(contracted, r"vfn?m(add|sub)", but_in="AddScaledLanes|add_scaled<")

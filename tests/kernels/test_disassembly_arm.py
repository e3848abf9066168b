"""As test_disassembly, for the 64-bit Arm kernels that `make test-everywhere` builds."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from disassembly import functions, inner_loops

PREFIX = "aarch64-linux-gnu-"
KERNELS = Path("everywhere") / "aarch64" / "intaglio" / "CMakeFiles"
DOTS = {"arm_neon": r"smlal|fmla", "arm_dotprod": "sdot", "arm_i8mm": "sudot|usdot|usmmla"}
JUMP = re.compile(r"(?:b|b\.\w+|cbn?z|tbn?z)\s+(?:.*?, )*([0-9a-f]+) <")
VECTOR_ON_STACK = re.compile(r"(ld|st)\w+\s.*\b[qdv]\d+\b.*\[(sp|x29)")

pytestmark = pytest.mark.skipif(not shutil.which(f"{PREFIX}objdump"), reason=f"needs {PREFIX}objdump (binutils)")


def objects(root: Path, isa: str) -> list[Path]:
    found = sorted((root / "build" / KERNELS / f"intaglio_kernels_{isa}.dir").rglob("*.o"))
    if not found:
        pytest.skip("not built: run make test-everywhere")
    return found


@pytest.mark.parametrize("isa", DOTS)
def test_inner_loops_leave_no_vector_on_the_stack(isa: str, root: Path) -> None:
    loops = 0
    for path in objects(root, isa):
        for name, lines in functions(path, f"{PREFIX}objdump").items():
            for body in inner_loops(lines, JUMP):
                if any(re.match(DOTS[isa], text) for text in body):
                    loops += 1
                    touched = [text for text in body if VECTOR_ON_STACK.match(text)]
                    assert not touched, f"{name} in {path.name}: {touched}"
    assert loops >= 10, f"found {loops} loops of dot products"


@pytest.mark.parametrize("isa", DOTS)
def test_kernels_define_no_weak_symbols(isa: str, root: Path) -> None:
    for path in objects(root, isa):
        command = [f"{PREFIX}nm", "-C", str(path)]
        symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        weak = [line for line in symbols.splitlines() if re.match(r"[0-9a-f]+ [WVuwv] ", line)]
        assert not weak, f"{path.name}: {weak}"


@pytest.mark.parametrize("isa", DOTS)
def test_kernels_keep_to_their_instruction_set(isa: str, root: Path) -> None:
    """Baseline kernels have no dot products, those with dot products none of i8mm."""
    forbidden = {"arm_neon": r"[su]+dot|[us]+mmla", "arm_dotprod": r"usdot|sudot|[us]+mmla", "arm_i8mm": "(?!)"}[isa]
    for path in objects(root, isa):
        for name, lines in functions(path, f"{PREFIX}objdump").items():
            found = [text for _, text in lines if re.match(forbidden, text)]
            assert not found, f"{name} in {path.name}: {found[:3]}"

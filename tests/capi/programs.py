"""Programs in C and C++, compiled without a warning and run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: What the sanitized build has, of the ops: it shows that builds may do without some, and is built in half the time.
BUILT_OPS = ["sums", "elementwise", "reductions", "movement", "resampling", "conversion"]

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


@dataclass(frozen=True)
class Program:
    path: Path

    def run(self, *arguments: object, expect: int = 0) -> str:
        """What it prints on stdout."""
        finished = subprocess.run(
            [str(self.path), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
        )
        assert finished.returncode == expect, finished.stdout + finished.stderr
        return finished.stdout


@dataclass(frozen=True)
class Toolbox:
    """An installed library, and how programs are made with it."""

    prefix: Path
    folder: Path
    flags: list[str]

    @property
    def library(self) -> Path:
        (found,) = self.prefix.rglob("libintaglio.so")
        return found

    def compile(
        self,
        *sources: Path,
        compiler: str = "gcc",
        standard: str = "c11",
        static: bool = True,
        options: Sequence[str] = (),
    ) -> Program:
        """A program in C, or in C++ where the standard says so."""
        path = self.folder / f"{sources[0].stem}-{Path(compiler).name}-{standard}"
        folder = self.library.parent
        language = [] if standard.startswith("c1") else ["-x", "c++"]
        names = [str(source) for source in sources]
        libraries = [str(folder / "libintaglio.a")] if static else [f"-L{folder}", "-lintaglio", f"-Wl,-rpath,{folder}"]
        command = [compiler, *language, f"-std={standard}", *WARNINGS, *self.flags, *options]
        command += [f"-I{self.prefix / 'include'}", "-D_GNU_SOURCE", *names, "-x", "none", *libraries, "-pthread"]
        # Without optimization, and so with sanitizers, the engine has calls into the C++ library that are never made.
        command += ["-lstdc++"] if language or self.flags else []
        finished = subprocess.run([*command, "-o", str(path)], capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr == ""
        return Program(path)


def compiler_called(name: str) -> str | None:
    """gcc or clang, under whichever version it is installed."""
    names = [name, *(f"{name}-{version}" for version in range(30, 10, -1))]
    return next(filter(None, map(shutil.which, names)), None)

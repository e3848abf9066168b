"""A network as something to link into a C or C++ program (docs/embedding.md)."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from intaglio.errors import Error
from intaglio.export import c_source, elf
from intaglio.graph import Graph


def embed(graph: Graph, path: str | os.PathLike[str], name: str | None, machine: str | None) -> list[Path]:
    """As `Graph.embed` says."""
    path = Path(path)
    name = identifier(path.stem) if name is None else name
    if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is None:
        raise Error(f"name: expected a C identifier, got {name!r}")
    if path.suffix not in (".c", ".o"):
        raise Error(f"{path}: expected a name that ends in .c for a C array, or in .o for an object file")
    if machine is not None and path.suffix == ".c":
        raise Error(f"{path}: C source is for every machine; only an object file (.o) is for one, here {machine!r}")
    file = graph.to_bytes()
    if path.suffix == ".c":
        path.write_text(c_source.source(file, name), "ascii")
    else:
        path.write_bytes(elf.object_file(file, name, machine_named(machine), c_source.ALIGNMENT))
    header = path.with_name(f"{name}.h")
    header.write_text(c_source.header(graph, len(file), name), "ascii")
    return [path, header]


def identifier(text: str) -> str:
    """The text as a C identifier, as far as it has letters and digits."""
    return re.sub(r"^(?=\d)|\W", "_", text, flags=re.ASCII)


def machine_named(name: str | None) -> elf.Machine:
    """The machine of this name, or this one."""
    if name is None and sys.platform != "linux":
        raise Error("object files are ELF, which is Linux's format: name a machine, or write C source (.c)")
    name = platform.machine() if name is None else name
    if name not in elf.MACHINES:
        raise Error(f"machine: expected {', '.join(elf.MACHINES)}, got {name!r}")
    return elf.MACHINES[name]

"""Bytes as an ELF object file: one constant array under one name, ready to link."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_RELOCATABLE: Final = 1
_PROGBITS, _SYMTAB, _STRTAB = 1, 2, 3
_ALLOC: Final = 2
_GLOBAL_OBJECT: Final = 0x11
_FILE_ALIGNMENT: Final = 8


@dataclass(frozen=True)
class Machine:
    """What ELF says of an architecture: its number, word size and flags."""

    number: int
    bits: int
    flags: int = 0


#: By the names that `uname -m` has for them. Flags: the fifth Arm EABI; RISC-V with compressed code and doubles in
#: registers, as Linux has it.
MACHINES: Final = {
    "x86_64": Machine(62, 64),
    "aarch64": Machine(183, 64),
    "armv7l": Machine(40, 32, 0x05000000),
    "riscv64": Machine(243, 64, 0x5),
}


@dataclass(frozen=True)
class _Section:
    name: bytes
    kind: int
    content: bytes
    flags: int = 0
    link: int = 0
    info: int = 0
    alignment: int = 1
    entry_size: int = 0


def object_file(content: bytes, name: str, machine: Machine, alignment: int) -> bytes:
    """``content`` as the read-only array ``name``."""
    wide = machine.bits == 64
    symbol = name.encode("ascii")
    strings = b"\0" + symbol + b"\0"
    if wide:
        entry = struct.pack("<IBBHQQ", 1, _GLOBAL_OBJECT, 0, 1, 0, len(content))
    else:
        entry = struct.pack("<IIIBBH", 1, 0, len(content), _GLOBAL_OBJECT, 0, 1)
    sections = [
        _Section(b"", 0, b"", alignment=0),
        _Section(b".rodata." + symbol, _PROGBITS, content, _ALLOC, alignment=alignment),
        _Section(b".symtab", _SYMTAB, bytes(len(entry)) + entry, 0, 3, 1, _FILE_ALIGNMENT, len(entry)),
        _Section(b".strtab", _STRTAB, strings),
        # Says that the stack need not be executable.
        _Section(b".note.GNU-stack", _PROGBITS, b""),
    ]
    names = b"".join(section.name + b"\0" for section in sections) + b".shstrtab\0"
    sections.append(_Section(b".shstrtab", _STRTAB, names))
    return _assemble(sections, names, machine)


def _assemble(sections: list[_Section], names: bytes, machine: Machine) -> bytes:
    wide = machine.bits == 64
    header_size, record_size = (64, 64) if wide else (52, 40)
    body = bytearray()
    records = bytearray()
    name_at = 0
    for section in sections:
        start = _align(header_size + len(body), max(section.alignment, 1))
        body += bytes(start - header_size - len(body)) + section.content
        offset = start if section.kind else 0
        records += struct.pack(
            "<IIQQQQIIQQ" if wide else "<IIIIIIIIII",
            name_at,
            section.kind,
            section.flags,
            0,
            offset,
            len(section.content),
            section.link,
            section.info,
            section.alignment,
            section.entry_size,
        )
        name_at += len(section.name) + 1
    table = _align(header_size + len(body), _FILE_ALIGNMENT)
    body += bytes(table - header_size - len(body))
    identification = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    header = identification + struct.pack(
        "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH",
        _RELOCATABLE,
        machine.number,
        1,
        0,
        0,
        table,
        machine.flags,
        header_size,
        0,
        0,
        record_size,
        len(sections),
        len(sections) - 1,
    )
    return header + bytes(body + records)


def _align(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment

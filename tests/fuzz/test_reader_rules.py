"""Each rule of docs/format.md, broken alone in an otherwise right file, is noticed by the engine and named."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_mutations import sign

import intaglio
from intaglio import _core
from intaglio.builder import Builder
from intaglio.errors import ModelFormatError, UnsupportedOpError

_TENSORS, _NODES, _PORTS, _INTEGERS, _STRINGS, _DATA = range(64, 160, 16)


def file_with_all_tables() -> bytes:
    """Two inputs, a constant, two nodes, two outputs."""
    b = Builder()
    first = b.input("first", (1, 6), 0.5, -3)
    second = b.input("second", (1, 6), 0.5, -3)
    total = b.add(first, b.constant(np.arange(6, dtype=np.int8)[None], 0.25, 1, name="offset"), 1.0, 4, name="total")
    b.output(total)
    b.output(b.maximum(first, second, name="larger"))
    return b.build().to_bytes()


class File(bytearray):
    """The file, and where its records are."""

    def section(self, entry: int) -> int:
        return int(struct.unpack_from("<Q", self, entry)[0])

    def put(self, code: str, at: int, *values: Any) -> None:
        struct.pack_into("<" + code, self, at, *values)

    def tensor(self, name: str) -> int:
        names = [tensor for tensor in intaglio.Graph.from_bytes(file_with_all_tables()).tensors]
        return self.section(_TENSORS) + 64 * names.index(name)

    def node(self, index: int) -> int:
        return self.section(_NODES) + 48 * index

    def port(self, index: int) -> int:
        return self.section(_PORTS) + 16 * index

    def list_of(self, node: int, field: int) -> int:
        """Where the integers of a node's inputs (12), outputs (20) or attributes (28) lie."""
        first = int(struct.unpack_from("<I", self, self.node(node) + field)[0])
        return self.section(_INTEGERS) + 8 * first


Break = Callable[[File], Any]
RULES: dict[str, tuple[Break, str]] = {
    "reserved header bytes": (lambda f: f.put("Q", 176, 1), "bytes 176 to 191"),
    "peak": (lambda f: f.put("Q", 168, 1), "peak must be"),
    "count": (lambda f: f.put("I", 48, 7), "section 'tensors' must have"),
    "section offset": (lambda f: f.put("Q", _NODES, f.section(_NODES) + 64), "section 'nodes' must start"),
    "section size": (lambda f: f.put("Q", _STRINGS + 8, 2**60), "section 'strings' must start"),
    "gap": (lambda f: f.put("B", len(f) - 1, 1), "zero bytes"),
    "element type": (lambda f: f.put("B", f.tensor("first") + 8, 2), "unknown element type 2"),
    "rank": (lambda f: f.put("B", f.tensor("first") + 9, 9), "rank at most 8, got 9"),
    "flag": (lambda f: f.put("B", f.tensor("first") + 10, 2), "flags must be 0 or 1"),
    "scale": (lambda f: f.put("f", f.tensor("first") + 16, np.nan), "a scale is a positive"),
    "subnormal scale": (lambda f: f.put("f", f.tensor("first") + 16, 1e-40), "a scale is a positive"),
    "zero point": (lambda f: f.put("i", f.tensor("first") + 12, 128), "a zero point is -128 to 127, got 128"),
    "scale without quantization": (lambda f: f.put("B", f.tensor("first") + 10, 0), "must be zero"),
    "negative dim": (lambda f: f.put("q", f.section(_INTEGERS), -1), "a dim is 0 to"),
    "huge dims": (lambda f: f.put("qq", f.section(_INTEGERS), 2**31 - 1, 2**31 - 1), "more than 2\\^\\d+ bytes"),
    "dims elsewhere": (lambda f: f.put("I", f.tensor("first") + 20, 2), "must start at integer"),
    "data elsewhere": (lambda f: f.put("Q", f.tensor("offset") + 24, 64), "its data must be 6 bytes from byte 0"),
    "data size": (lambda f: f.put("Q", f.tensor("offset") + 32, 5), "its data must be 6 bytes"),
    "data of a variable": (lambda f: f.put("Q", f.tensor("first") + 32, 6), "not constant"),
    "name elsewhere": (lambda f: f.put("I", f.tensor("first"), 1), "its text must start at byte 0"),
    "not UTF-8": (lambda f: f.put("B", f.section(_STRINGS), 0xFF), "not UTF-8"),
    "port beyond the tensors": (lambda f: f.put("I", f.port(0), 99), "input 0: tensor 99"),
    "port type": (lambda f: f.put("I", f.port(0) + 4, 3), "input 0: element type 3"),
    "an input twice": (lambda f: f.put("I", f.port(1), *struct.unpack_from("<I", f, f.port(0))), "another input"),
    "an output twice": (lambda f: f.put("I", f.port(3), *struct.unpack_from("<I", f, f.port(2))), "another output"),
    "node's reserved bytes": (lambda f: f.put("I", f.node(0) + 36, 1), "reserved bytes"),
    "node input beyond the tensors": (lambda f: f.put("q", f.list_of(0, 12), 99), "input tensor 99"),
    "node input of a later node": (
        lambda f: f.put("q", f.list_of(0, 12), *struct.unpack_from("<q", f, f.list_of(1, 20))),
        "made by no earlier node",
    ),
    "node output that has a value": (lambda f: f.put("q", f.list_of(1, 20), 0), "already has a value"),
    "no output": (lambda f: f.put("I", f.node(0) + 24, 0), "one output expected, got 0|must start at integer"),
    "unused integers": (lambda f: f.put("I", f.node(1) + 32, 1), "integers are used|inside the integers"),
    "metadata elsewhere": (lambda f: f.put("I", 160, 0), "metadata"),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    breaks, message = RULES[rule]
    whole = file_with_all_tables()
    _core.Engine(whole, "", 1)
    file = File(whole)
    breaks(file)
    assert bytes(file) != whole
    with pytest.raises(ModelFormatError, match=message):
        _core.Engine(sign(file), "", 1)


def test_unknown_op_is_named() -> None:
    file = File(file_with_all_tables())
    file.put("I", file.node(0), 999)
    with pytest.raises(UnsupportedOpError, match="node 0 'total': unknown op code 999"):
        _core.Engine(sign(file), "", 1)


@pytest.mark.parametrize(("name", "right"), [(b"larger", False), (b"other!", True)])
def test_names_are_unique(name: bytes, right: bool) -> None:
    file = File(file_with_all_tables())
    start = file.section(_STRINGS)
    file[start:] = bytes(file[start:]).replace(b"second", name)
    if right:
        _core.Engine(sign(file), "", 1)
    else:
        with pytest.raises(ModelFormatError, match="two tensors are named 'larger'"):
            _core.Engine(sign(file), "", 1)

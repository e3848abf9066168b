"""Any byte string is safe to load: damaged files are refused with a typed error, or they load and run.

Checksums are made right again after most mutations, so that the checks behind them are reached, those of the ops too.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest
from strategies import random_graph, random_inputs

import intaglio
from intaglio import _core
from intaglio.opset import BY_NAME
from intaglio.serialize.writer import separate

_HEADER = 192
_SMALL_ARENA = 1 << 24
_MUTATIONS = 150


def sign(file: bytearray) -> bytes:
    """The file with checksums that fit its bytes."""
    body = np.frombuffer(bytes(file[_HEADER:]), "<u8")
    with np.errstate(over="ignore"):
        first = int(body.sum(dtype=np.uint64))
        second = int((body * np.arange(1, len(body) + 1, dtype=np.uint64)).sum(dtype=np.uint64))
        struct.pack_into("<QQQ", file, 24, 0, first, second)
        header = int(np.frombuffer(bytes(file[:_HEADER]), "<u8").sum(dtype=np.uint64))
    struct.pack_into("<Q", file, 24, header)
    return bytes(file)


def mutate(file: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes: a bit, a byte, or a 32- or 64-bit word set to a number that is likely to hurt."""
    mutant = bytearray(file)
    (data,) = struct.unpack_from("<Q", mutant, 144)
    for _ in range(rng.integers(1, 4)):
        # Mostly headers and tables, sometimes constants.
        at = int(rng.integers(0, data if rng.random() < 0.9 else len(mutant)))
        kind = rng.integers(4)
        if kind == 0:
            mutant[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            mutant[at] = int(rng.integers(256))
        else:
            code, size = (("<i", 4), ("<q", 8))[kind - 2]
            at = min(at // size * size, len(mutant) - size)
            (old,) = struct.unpack_from(code, mutant, at)
            values = [0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**16, -128, old + 1, old - 1, -old, old * 2]
            values += [2**63 - 1, -(2**63), 2**40, 2**32] if size == 8 else [2**30]
            value = values[int(rng.integers(len(values)))]
            bits = 8 * size
            struct.pack_into(code, mutant, at, (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1))
    return sign(mutant) if rng.random() < 0.95 else bytes(mutant)


def try_out(file: bytes) -> bool:
    """Loads the file, and runs it where it is small; whether it was accepted."""
    try:
        engine = _core.Engine(file, "", 1)
    except (intaglio.Error, MemoryError):
        return False
    inputs = engine._inputs()
    size = sum(dtype.itemsize * int(np.prod(shape, dtype=object)) for _, shape, dtype, _, _ in inputs)
    if engine.arena_bytes <= _SMALL_ARENA and size <= _SMALL_ARENA:
        engine._run(tuple(np.ones(shape, dtype) for _, shape, dtype, _, _ in inputs))
    return True


@pytest.mark.parametrize("op", sorted(_core.ops()))
def test_mutants_are_refused_or_run(op: str) -> None:
    rng = np.random.default_rng(sum(op.encode()))
    accepted = 0
    for _ in range(3):
        file = random_graph(op, rng).to_bytes()
        assert try_out(file)
        accepted += sum(try_out(mutate(file, rng)) for _ in range(_MUTATIONS // 3))
    assert accepted < _MUTATIONS


def test_the_engine_numbers_ops_as_the_op_set_does() -> None:
    assert _core.ops() == {name: BY_NAME[name].code for name in _core.ops()}


def test_truncated_files_are_refused() -> None:
    file = random_graph("conv2d", np.random.default_rng(0)).to_bytes()
    for size in range(0, len(file), 8):
        with pytest.raises(intaglio.errors.ModelFormatError):
            _core.Engine(file[:size], "", 1)


def test_every_damaged_byte_is_noticed() -> None:
    file = random_graph("fully_connected", np.random.default_rng(0)).to_bytes()
    for at in range(len(file)):
        with pytest.raises(intaglio.errors.ModelFormatError):
            _core.Engine(file[:at] + bytes([file[at] ^ 0x55]) + file[at + 1 :], "", 1)


@pytest.mark.parametrize("field", [8, 12])
def test_newer_versions_are_named(field: int) -> None:
    file = bytearray(random_graph("reshape", np.random.default_rng(0)).to_bytes())
    struct.pack_into("<I", file, field, 2)
    with pytest.raises(intaglio.errors.ModelFormatError, match="version 2"):
        _core.Engine(sign(file), "", 1)


@pytest.mark.parametrize("file", [b"", b"INTAGLIO", b"TFL3" * 64, bytes(192), bytes(4096)])
def test_foreign_bytes_are_refused(file: bytes) -> None:
    with pytest.raises(intaglio.errors.ModelFormatError):
        _core.Engine(file, "", 1)


def test_memory_that_is_not_plain_bytes_is_refused() -> None:
    file = random_graph("reshape", np.random.default_rng(0)).to_bytes()
    with pytest.raises(ValueError, match="contiguous"):
        _core.Engine(memoryview(bytearray(2 * len(file)))[::2], "", 1)
    with pytest.raises(intaglio.Error, match="aligned"):
        _core.Engine(memoryview(b"1234" + file)[4:], "", 1)


@pytest.mark.parametrize("op", sorted(_core.ops()))
def test_nothing_of_the_file_is_kept(op: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        graph = random_graph(op, rng)
        inputs = random_inputs(graph, rng)
        file = bytearray(graph.to_bytes())
        engine = _core.Engine(file, "", 1)
        file[:] = b"\xff" * len(file)
        file.clear()
        made = engine._run(tuple(inputs[port.tensor] for port in graph.inputs))
        expected = intaglio.reference.run(graph, inputs)
        for port, output in zip(graph.outputs, made if isinstance(made, tuple) else (made,), strict=True):
            np.testing.assert_array_equal(output, expected[port.tensor])
        assert [name for name, *_ in engine._inputs()] == [port.tensor for port in graph.inputs]
        assert {node for node, *_ in engine._steps()} <= {node.name for node in graph.nodes}


def test_constants_may_lie_apart() -> None:
    graph = random_graph("conv2d", np.random.default_rng(0))
    file, constants = separate(graph)
    assert len(file) < len(graph.to_bytes())
    assert _core.Engine(file, "", 1, constants).weight_bytes == _core.Engine(graph.to_bytes(), "", 1).weight_bytes
    whole = bytearray(graph.to_bytes())
    bias = next(i for i, constant in enumerate(constants) if constant.dtype == np.int32)
    misaligned = np.zeros(constants[bias].nbytes + 1, np.uint8)[1:]
    for damaged in (constants[:-1], [*constants, b"x"], [constants[0][:-1], *constants[1:]], []):
        with pytest.raises(intaglio.errors.ModelFormatError, match=r"data|constants"):
            _core.Engine(file, "", 1, damaged)
    with pytest.raises(intaglio.errors.ModelFormatError, match="data"):
        _core.Engine(whole, "", 1, constants)
    with pytest.raises(intaglio.Error, match="aligned"):
        _core.Engine(file, "", 1, [*constants[:bias], misaligned, *constants[bias + 1 :]])
    with pytest.raises(TypeError):
        _core.Engine(file, "", 1, [None])

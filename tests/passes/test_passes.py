"""Each pass alone: what it rewrites, what it leaves alone, and that no bit changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from small_graphs import Sketch, check_same, ops

from intaglio.graph import Graph
from intaglio.passes import (
    elide_identities,
    fold_pads,
    fuse_clamps,
    merge_lookups,
    merge_reshapes,
    remove_dead,
    simplify,
)

VALUES = np.arange(-128, 128, dtype=np.int8)
RANDOM = np.random.default_rng(2).integers(-128, 128, 256).astype(np.int8)


def rewritten(graph: Graph, rewrite: Callable[[Graph], Graph]) -> Graph:
    """The graph after a pass, without what that pass left dead."""
    after = remove_dead(rewrite(graph))
    check_same(graph, after)
    return after


def test_remove_dead() -> None:
    sketch = Sketch((2, 3))
    y = sketch.lookup("x", RANDOM)
    sketch.lookup(sketch.lookup(y, VALUES), RANDOM)
    after = rewritten(sketch.graph(y), lambda graph: graph)
    assert ops(after) == ["lookup"]
    assert len(after.tensors) == 3


def test_remove_dead_keeps_unused_inputs() -> None:
    sketch = Sketch((2, 3))
    constant = sketch.constant(VALUES)
    graph = sketch.graph(constant)
    assert set(remove_dead(graph).tensors) == {"x", constant}


def test_merge_reshapes() -> None:
    sketch = Sketch((2, 6))
    a = sketch.node("reshape", "x", (3, 4))
    b = sketch.node("reshape", a, (12,))
    c = sketch.node("reshape", a, (4, 3))
    after = rewritten(sketch.graph(b, c), merge_reshapes)
    assert ops(after) == ["reshape", "reshape"]
    assert {node.inputs for node in after.nodes} == {("x",)}


def test_merge_lookups_composes_a_chain() -> None:
    sketch = Sketch((256,))
    y = sketch.lookup(sketch.lookup(sketch.lookup("x", RANDOM, 0.5), np.roll(VALUES, 7), 0.2), RANDOM)
    assert ops(rewritten(sketch.graph(y), merge_lookups)) == ["lookup"]


def test_merge_lookups_keeps_what_others_read() -> None:
    sketch = Sketch((256,))
    first = sketch.lookup("x", RANDOM)
    second = sketch.lookup(first, np.roll(VALUES, 7))
    third = sketch.lookup(first, np.roll(VALUES, 9))
    assert len(rewritten(sketch.graph(second, third), merge_lookups).nodes) == 3
    assert len(rewritten(sketch.graph(first, second), merge_lookups).nodes) == 2


def test_merge_lookups_with_one_table_in_both() -> None:
    sketch = Sketch((256,))
    table = sketch.constant(RANDOM)
    first = sketch.node("lookup", f"x {table}", (256,))
    second = sketch.node("lookup", f"{first} {table}", (256,))
    third = sketch.node("lookup", f"x {table}", (256,))
    assert ops(rewritten(sketch.graph(second, third), merge_lookups)) == ["lookup", "lookup"]


def test_elide_every_kind_of_identity() -> None:
    sketch = Sketch((2, 3))
    y = sketch.node("reshape", "x", (2, 3))
    y = sketch.node("transpose", y, (2, 3), permutation=(0, 1))
    y = sketch.node("slice", y, (2, 3), begin_stride=(0, 0, 1, 1))
    y = sketch.node("pad", y, (2, 3), value=0, padding=(0, 0, 0, 0))
    y = sketch.node("concat", y, (2, 3), axis=0)
    y = sketch.node("broadcast_to", y, (2, 3))
    y = sketch.lookup(y, VALUES)
    y = sketch.lookup(y, RANDOM)
    after = rewritten(sketch.graph(y), elide_identities)
    assert ops(after) == ["lookup"]
    assert after.nodes[0].inputs[0] == "x"


def test_elide_leaves_what_changes_something() -> None:
    sketch = Sketch((2, 2))
    y = sketch.node("transpose", "x", (2, 2), permutation=(1, 0))
    y = sketch.node("slice", y, (2, 2), begin_stride=(1, 0, -1, 1))
    y = sketch.node("concat", f"{y} x", (4, 2), axis=0)
    y = sketch.lookup(y, VALUES, scale=0.5)
    y = sketch.lookup(y, np.roll(VALUES, 1))
    assert len(rewritten(sketch.graph(y), elide_identities).nodes) == 5


def test_elide_keeps_names_of_outputs() -> None:
    sketch = Sketch((2, 3))
    y = sketch.node("reshape", sketch.lookup("x", RANDOM), (2, 3))
    after = rewritten(sketch.graph(y), elide_identities)
    assert ops(after) == ["lookup"]
    assert after.outputs[0].tensor == y


def test_elide_keeps_copies_between_ports() -> None:
    sketch = Sketch((2, 3))
    copy = sketch.node("reshape", "x", (2, 3))
    first = sketch.lookup("x", RANDOM)
    second, third = sketch.node("reshape", first, (2, 3)), sketch.node("reshape", first, (2, 3))
    after = rewritten(sketch.graph(copy, first, second, third), elide_identities)
    assert ops(after) == ["reshape", "lookup", "reshape", "reshape"]


def test_elide_two_copies_of_one_value() -> None:
    sketch = Sketch((2, 3))
    first = sketch.lookup("x", RANDOM)
    second, third = sketch.node("reshape", first, (2, 3)), sketch.node("reshape", first, (2, 3))
    inner = sketch.lookup(sketch.node("reshape", first, (2, 3)), np.roll(VALUES, 3))
    after = rewritten(sketch.graph(second, third, inner), elide_identities)
    assert ops(after) == ["lookup", "reshape", "lookup"]


def test_fuse_clamps() -> None:
    sketch = Sketch((1, 5, 5, 2))
    y = sketch.lookup(sketch.conv2d("x", (0, 0, 0, 0)), np.clip(VALUES, -5, 127))
    y = sketch.lookup(y, np.clip(VALUES, -50, 40))
    after = rewritten(sketch.graph(y), fuse_clamps)
    assert ops(after) == ["conv2d"]
    assert after.nodes[0].attrs["clamp"] == (-5, 40)


def test_fuse_clamps_that_do_not_meet() -> None:
    sketch = Sketch((1, 5, 5, 2))
    y = sketch.lookup(sketch.conv2d("x", (0, 0, 0, 0)), np.clip(VALUES, 100, 120))
    assert rewritten(sketch.graph(y), fuse_clamps).nodes[0].attrs["clamp"] == (100, 100)


def test_fuse_clamps_leaves_other_lookups() -> None:
    for table, scale in ((RANDOM, 0.1), (np.clip(VALUES, -5, 5), 0.5)):
        sketch = Sketch((1, 5, 5, 2))
        y = sketch.lookup(sketch.conv2d("x", (0, 0, 0, 0)), table, scale)
        assert ops(rewritten(sketch.graph(y), fuse_clamps)) == ["conv2d", "lookup"]
    sketch = Sketch((1, 5, 5, 2))
    y = sketch.conv2d("x", (0, 0, 0, 0))
    z = sketch.lookup(y, np.clip(VALUES, -5, 5))
    assert ops(rewritten(sketch.graph(y, z), fuse_clamps)) == ["conv2d", "lookup"]


def padded(sketch: Sketch, value: int, padding: tuple[int, ...]) -> str:
    shape = tuple(b + n + a for n, b, a in zip((1, 5, 5, 2), padding[::2], padding[1::2], strict=True))
    return sketch.node("pad", "x", shape, value=value, padding=padding)


def test_fold_pads() -> None:
    sketch = Sketch((1, 5, 5, 2))
    y = sketch.conv2d(padded(sketch, 3, (0, 0, 1, 2, 0, 1, 0, 0)), (1, 0, 0, 0))
    after = rewritten(sketch.graph(y), fold_pads)
    assert ops(after) == ["conv2d"]
    assert after.nodes[0].attrs["padding"] == (2, 0, 2, 1)


def test_fold_pads_leaves_other_values_and_axes() -> None:
    for value, padding in ((0, (0, 0, 1, 1, 1, 1, 0, 0)), (3, (0, 1, 1, 1, 1, 1, 0, 0))):
        sketch = Sketch((1, 5, 5, 2))
        y = sketch.conv2d(padded(sketch, value, padding), (0, 0, 0, 0))
        assert ops(rewritten(sketch.graph(y), fold_pads)) == ["pad", "conv2d"]


def test_simplify_applies_all() -> None:
    sketch = Sketch((1, 5, 5, 2))
    y = sketch.conv2d(padded(sketch, 3, (0, 0, 1, 1, 1, 1, 0, 0)), (0, 0, 0, 0))
    y = sketch.lookup(sketch.lookup(y, np.clip(VALUES, -5, 127)), np.clip(VALUES, -128, 9))
    y = sketch.node("reshape", sketch.node("reshape", y, (25, 4)), (1, 5, 5, 4))
    assert ops(rewritten(sketch.graph(y), simplify)) == ["conv2d"]

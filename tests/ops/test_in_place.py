"""Elementwise ops write over an input that nobody needs any more, and over none that somebody does."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import expect_oracle

import intaglio
from intaglio.builder import Builder

SHAPE = (1, 37, 41)
SCALE, ZERO_POINT = 0.1, 3
TABLE = np.random.default_rng(0).permutation(np.arange(-128, 128, dtype=np.int8))


def random_network(rng: np.random.Generator) -> intaglio.Graph:
    """Sums, products, tables and views of tensors made before, most often of the newest ones."""
    b = Builder()
    whole = [b.input(name, SHAPE, SCALE, ZERO_POINT) for name in ("a", "b")]
    rows = [b.input("row", (1, 1, 41), SCALE, ZERO_POINT)]
    rows.append(b.constant(rng.integers(-128, 128, (41,), np.int8), SCALE, ZERO_POINT, name="constant"))

    def pick(names: list[str]) -> str:
        return names[-1 - min(int(rng.geometric(0.6)) - 1, len(names) - 1)]

    for _ in range(14):
        x, y = pick(whole), pick(whole if rng.random() < 0.7 else rows)
        match int(rng.integers(7)):
            case 0:
                whole.append(b.lookup(x, TABLE, SCALE, ZERO_POINT))
            case 1:
                view = b.reshape(x, (SHAPE[1], SHAPE[2]))
                whole.append(b.add(x, view, SCALE, ZERO_POINT))
            case 2:
                rows.append(b.strided_slice(x, (0, 3, 0), (1, 4, 41), (1, 1, 1)))
            case 3:
                whole.append(b.maximum(x, y))
            case 4:
                whole.append(b.mul(y, x, SCALE * 3, ZERO_POINT))
                whole[-1] = b.lookup(whole[-1], TABLE, SCALE, ZERO_POINT)
            case 5:
                whole.append(b.sub(y, x, SCALE, ZERO_POINT))
            case _:
                whole.append(b.add(x, y, SCALE, ZERO_POINT))
        if rng.random() < 0.15:
            b.output(whole[-1])
    b.output(b.add(whole[-1], pick(whole[:-1]), SCALE, ZERO_POINT))
    return b.build()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed: int, threads: int, isa: str) -> None:
    rng = np.random.default_rng(seed)
    graph = random_network(rng)
    inputs = {tensor.name: rng.integers(-128, 128, tensor.shape, np.int8) for tensor in graph.input_tensors}
    expect_oracle(graph, inputs, isa, threads)


def test_memory_is_used_again() -> None:
    b = Builder()
    x = y = b.lookup(b.input("x", (1, 1000, 100), SCALE, ZERO_POINT), TABLE, SCALE, ZERO_POINT)
    for _ in range(4):
        y = b.lookup(y, TABLE, SCALE, ZERO_POINT)
    b.output(y)
    assert intaglio.load(b.build()).arena_bytes < 110_000
    b.output(b.add(x, y, SCALE, ZERO_POINT))
    assert 200_000 <= intaglio.load(b.build()).arena_bytes < 310_000

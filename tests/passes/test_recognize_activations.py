"""Functions written as arithmetic become their ops, unless something on the way is needed as it is."""

from __future__ import annotations

import numpy as np
import pytest

from intaglio import Builder, reference
from intaglio.graph import Graph
from intaglio.opset import FloatBinary, FloatUnary
from intaglio.passes.recognize_activations import recognize_activations
from intaglio.passes.remove_dead import remove_dead
from intaglio.passes.simplify_float import simplify_float


def hard_swish(b: Builder, divisor: float = 6.0) -> tuple[str, str, str]:
    """x * clip(x + 3, 0, 6) / 6 and what is made on the way: the clip, the product, the quotient."""
    x = b.input("x", (3, 40), dtype="float32")
    clipped = b.float_unary(FloatUnary.CLIP, b.float_binary(FloatBinary.ADD, x, b.constant(np.float32(3))), (0, 6))
    product = b.float_binary(FloatBinary.MUL, clipped, x)
    return clipped, product, b.float_binary(FloatBinary.DIV, product, b.constant(np.float32(divisor)))


def ops(before: Graph, after: Graph) -> list[str]:
    """The ops after a pass that has to keep the numbers."""
    after = remove_dead(after)
    after.validate()
    x = {"x": np.random.default_rng(0).uniform(-5, 5, (3, 40)).astype(np.float32)}
    expected, results = (reference.run(graph, x) for graph in (before, after))
    for name, value in expected.items():
        np.testing.assert_allclose(results[name], value, rtol=1e-5, atol=1e-6)
    return [node.op for node in after.nodes]


def test_recognized() -> None:
    b = Builder()
    *_, y = hard_swish(b)
    b.output(y)
    graph = b.build()
    after = recognize_activations(graph)
    assert ops(graph, after) == ["float_unary"]
    assert remove_dead(after).nodes[0].attrs["kind"] == FloatUnary.HARD_SWISH


def test_what_others_read_stays() -> None:
    b = Builder()
    clipped, _, y = hard_swish(b)
    b.output(y)
    b.output(b.float_unary(FloatUnary.EXP, clipped))
    graph = b.build()
    assert ops(graph, recognize_activations(graph)) == ["float_binary", "float_unary", "float_unary", "float_unary"]


@pytest.mark.parametrize("divisor", [5.0, 6.01])
def test_other_functions_stay(divisor: float) -> None:
    b = Builder()
    *_, y = hard_swish(b, divisor)
    b.output(y)
    graph = b.build()
    assert recognize_activations(graph).nodes == graph.nodes


@pytest.mark.parametrize("rounded", [0, 1])
def test_simplifying_keeps_what_is_rounded(rounded: int) -> None:
    b = Builder()
    names = hard_swish(b)
    b.output(names[2])
    graph = b.build()
    after = simplify_float(graph, {names[rounded]})
    assert names[rounded] in {name for node in after.nodes for name in node.outputs}
    assert ops(graph, after) == ["float_binary", "float_unary", "float_binary", "float_binary"]

"""Passes over float graphs: what they fold, what they leave alone, and that the numbers stay."""

from __future__ import annotations

import numpy as np
import pytest

from intaglio import Builder, reference
from intaglio.graph import Graph
from intaglio.opset import FloatBinary, FloatUnary
from intaglio.passes.fold_batch_norm import fold_batch_norm
from intaglio.passes.fold_constants import fold_constants
from intaglio.passes.fuse_activations import fuse_activations
from intaglio.passes.remove_dead import remove_dead

RNG = np.random.default_rng(8)
FIRST = ("float_conv2d", "float_depthwise_conv2d", "float_transposed_conv2d", "float_matmul")


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def after_sum(b: Builder, op: str) -> str:
    """A sum of products of 4 channels to 4."""
    b.input("x", (1, 5, 5, 4), dtype="float32")
    match op:
        case "float_matmul":
            return b.float_matmul("x", normal(4, 4), normal(4))
        case "float_depthwise_conv2d":
            return b.float_depthwise_conv2d("x", normal(3, 3, 4), normal(4))
    return getattr(b, op)("x", normal(4, 3, 3, 4), normal(4))


def same(before: Graph, after: Graph) -> list[str]:
    """The ops after a pass that has to keep the numbers."""
    after = remove_dead(after)
    after.validate()
    x = {"x": normal(1, 5, 5, 4)}
    results = (reference.run(graph, x) for graph in (before, after))
    for (name, value), (other, expected) in zip(*(r.items() for r in results), strict=True):
        assert name == other
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)
    return [node.op for node in after.nodes]


@pytest.mark.parametrize("op", FIRST)
def test_batch_norm_goes_into_weights_and_bias(op: str) -> None:
    b = Builder()
    y = after_sum(b, op)
    for kind, shape in ((FloatBinary.MUL, (1, 1, 1, 4)), (FloatBinary.ADD, (4,)), (FloatBinary.DIV, (1,))):
        y = b.float_binary(kind, y, b.constant(normal(*shape) + 3))
    y = b.float_binary(FloatBinary.SUB, y, b.constant(normal(4)))
    b.output(b.float_binary(FloatBinary.MUL, b.constant(normal(4)), y))
    graph = b.build()
    assert same(graph, fold_batch_norm(graph)) == [op]


def test_batch_norm_stays_where_it_cannot_move() -> None:
    factors = {"wider": normal(1, 5, 1, 4), "one": normal(4)}
    for factor, activation, other in (("wider", None, False), ("one", "relu", False), ("one", None, True)):
        b = Builder()
        b.input("x", (1, 5, 5, 4), dtype="float32")
        y = b.float_matmul("x", normal(4, 4), normal(4), activation=activation)
        b.output(b.float_binary(FloatBinary.MUL, y, b.constant(factors[factor])))
        if other:
            b.output(y)
        graph = b.build()
        assert same(graph, fold_batch_norm(graph)) == ["float_matmul", "float_binary"]


def test_subtraction_from_a_constant_stays() -> None:
    b = Builder()
    y = after_sum(b, "float_matmul")
    b.output(b.float_binary(FloatBinary.SUB, b.constant(normal(4)), y))
    graph = b.build()
    assert same(graph, fold_batch_norm(graph)) == ["float_matmul", "float_binary"]


@pytest.mark.parametrize("op", FIRST)
def test_clips_become_bounds(op: str) -> None:
    b = Builder()
    y = b.float_unary(FloatUnary.CLIP, after_sum(b, op), (-0.5, np.inf))
    b.output(b.float_unary(FloatUnary.CLIP, y, (-np.inf, 0.8)))
    graph = b.build()
    after = fuse_activations(graph)
    assert same(graph, after) == [op]
    np.testing.assert_array_equal(after.tensors[after.nodes[0].inputs[3]].data, np.float32([-0.5, 0.8]))


def test_clips_that_do_not_meet() -> None:
    b = Builder()
    b.input("x", (1, 5, 5, 4), dtype="float32")
    y = b.float_matmul("x", normal(4, 4), activation=(-0.2, 0.1))
    b.output(b.float_unary(FloatUnary.CLIP, y, (1.0, 2.0)))
    graph = b.build()
    assert same(graph, fuse_activations(graph)) == ["float_matmul"]


def test_clips_of_shared_values_stay() -> None:
    b = Builder()
    y = after_sum(b, "float_conv2d")
    b.output(b.float_unary(FloatUnary.CLIP, y, (0.0, 6.0)))
    b.output(b.float_unary(FloatUnary.TANH, y))
    graph = b.build()
    assert len(same(graph, fuse_activations(graph))) == 3


def test_constants_are_computed_once() -> None:
    b = Builder()
    b.input("x", (1, 5, 5, 4), dtype="float32")
    c = b.float_unary(FloatUnary.EXP, b.reshape(b.constant(normal(2, 2)), (4,)))
    b.output(b.float_binary(FloatBinary.ADD, "x", c))
    alone = b.float_unary(FloatUnary.NEG, c)
    b.output(alone)
    graph = b.build()
    after = fold_constants(graph)
    assert same(graph, after) == ["float_binary", "float_unary"]

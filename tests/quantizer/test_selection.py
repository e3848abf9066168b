"""Which nodes become integer, and which tensors share a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from quantizable import normal, residual

from intaglio import Builder, Graph, load, quantize
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary
from intaglio.quantizer.core import prepare
from intaglio.quantizer.groups import groups
from intaglio.quantizer.selection import selected

RNG = np.random.default_rng(4)
IDENTITY = np.eye(4, dtype=np.float32)


def network(make: Callable[[Builder, str], str]) -> Graph:
    b = Builder()
    b.input("x", (1, 3, 3, 4), dtype="float32")
    b.output(make(b, "x"))
    return prepare(b.build())


def chosen(make: Callable[[Builder, str], str], kept: set[str] | None = None) -> set[str]:
    return selected(network(make), kept or set())


def shared(make: Callable[[Builder, str], str]) -> list[tuple[set[str], set[str]]]:
    """(members, deciding) of every grid that several tensors share."""
    graph = network(make)
    found = groups(graph, {node.name for node in graph.nodes})
    return [(group.members, group.deciding) for group in found if len(group.members) > 1]


def test_decoding_stays_float() -> None:
    def make(b: Builder, x: str) -> str:
        x = b.reshape(b.float_matmul(x, IDENTITY, name="layer"), (9, 4), name="flat")
        centre, size = b.split(x, 2, 1, name="split")
        centre = b.float_binary(FloatBinary.ADD, centre, b.constant(normal(RNG, 9, 2)), name="priors")
        size = b.float_unary(FloatUnary.EXP, size, name="exp")
        return b.concat([b.float_binary(FloatBinary.SUB, centre, size, name="corner"), size], 1, name="boxes")

    assert chosen(make) == {"layer", "flat", "split:0", "split:1"}


@pytest.mark.parametrize("fill", [-np.inf, -1e9, -1e4])
def test_masks_stay_float(fill: float) -> None:
    def make(b: Builder, x: str) -> str:
        mask = np.where(np.tri(3, 4) > 0, 0, fill).astype(np.float32)
        scores = b.float_matmul(x, IDENTITY, name="scores")
        masked = b.float_binary(FloatBinary.ADD, scores, b.constant(mask), name="masked")
        shares = b.float_softmax(b.reshape(masked, (1, 3, 3, 4), name="shaped"), name="shares")
        return b.float_matmul(shares, IDENTITY, name="mixed")

    assert chosen(make) == {"scores", "mixed"}


def test_masked_attention_keeps_its_accuracy() -> None:
    """Masked scores have no share at all, whatever the grid of the others."""
    rng = np.random.default_rng(5)
    b = Builder()
    scores = b.float_matmul(b.input("x", (1, 8, 16), dtype="float32"), normal(rng, 16, 8) / 4, name="scores")
    mask = np.where(np.tri(8) > 0, 0, -1e9).astype(np.float32)
    shares = b.float_softmax(b.float_binary(FloatBinary.ADD, scores, b.constant(mask)), name="shares")
    b.output(b.float_matmul(shares, normal(rng, 8, 8), name="mixed"))
    graph = b.build()
    samples = rng.normal(size=(32, 8, 16)).astype(np.float32)
    for method in ("mse", "min_max"):
        quantized = quantize(graph, samples, calibration_method=method, progress=False)
        expected, result = load(graph)(samples), load(quantized)(samples)
        assert np.sum((result - expected) ** 2) < 1e-3 * np.sum(expected**2)


def test_normalizing_the_input_stays_float() -> None:
    def make(b: Builder, x: str) -> str:
        x = b.float_binary(FloatBinary.SUB, b.transpose(x, name="turned"), b.constant(normal(RNG, 1)), name="centred")
        return b.float_matmul(b.float_unary(FloatUnary.TANH, x, name="squashed"), normal(RNG, 1, 4), name="layer")

    assert chosen(make) == {"turned", "layer"}


def test_arithmetic_between_layers_is_integer() -> None:
    def make(b: Builder, x: str) -> str:
        x = b.float_matmul(x, IDENTITY, name="first")
        x = b.float_unary(FloatUnary.SIGMOID, x, name="sigmoid")
        x = b.float_binary(FloatBinary.POW, x, b.constant(np.float32(2)), name="square")
        return b.float_matmul(x, IDENTITY, name="second")

    assert chosen(make) == {"first", "sigmoid", "square", "second"}
    assert chosen(make, {"second"}) == {"first"}


def test_sums_of_activations_at_the_end_are_integer() -> None:
    def make(b: Builder, x: str) -> str:
        x = b.float_matmul(x, IDENTITY, name="layer")
        return b.float_unary(FloatUnary.CLIP, b.float_binary(FloatBinary.ADD, x, "x", name="sum"), (0, 6), name="y")

    assert chosen(make) == {"layer", "sum", "y"}


def test_arithmetic_that_only_floats_read_stays_float() -> None:
    """A normalization that ends in a division by a computed tensor."""

    def make(b: Builder, x: str) -> str:
        x = b.float_matmul(x, IDENTITY, name="first")
        mean = b.float_reduce(
            FloatReduce.MEAN, b.float_binary(FloatBinary.MUL, x, x, name="square"), (3,), keepdims=True
        )
        x = b.float_binary(FloatBinary.DIV, x, b.float_unary(FloatUnary.SQRT, mean, name="root"), name="normal")
        return b.float_matmul(x, IDENTITY, name="second")

    assert chosen(make) == {"first", "second"}


def test_what_moves_and_limits_values_shares_a_grid() -> None:
    def make(b: Builder, x: str) -> str:
        y = b.float_binary(FloatBinary.ADD, x, x, name="sum")
        y = b.float_unary(FloatUnary.CLIP, y, (0, 6), name="relu6")
        y = b.float_pool2d(FloatPool.MAX, b.transpose(y, (0, 2, 1, 3), name="turned"), 2, name="pool")
        return b.float_unary(FloatUnary.TANH, b.reshape(y, (1, 4), name="flat"))

    assert shared(make) == [({"sum", "relu6", "turned", "pool", "flat"}, {"relu6"})]


def test_a_concatenation_shares_with_what_it_alone_reads() -> None:
    def make(b: Builder, x: str) -> str:
        own, other = (b.float_unary(kind, x, name=kind.name) for kind in (FloatUnary.EXP, FloatUnary.SIN))
        both = b.concat([own, other], 3, name="both")
        return b.float_binary(FloatBinary.MUL, both, b.concat([other, other], 3, name="twice"))

    assert shared(make) == [({"EXP", "both"}, {"both"})]


def test_a_clip_of_what_others_read_has_its_own_grid() -> None:
    def make(b: Builder, x: str) -> str:
        y = b.float_unary(FloatUnary.SIN, x, name="sine")
        return b.float_binary(FloatBinary.MUL, y, b.float_unary(FloatUnary.CLIP, y, (0, 1), name="limited"))

    assert shared(make) == []


def test_means_have_their_own_grid_unless_windows_are_cut() -> None:
    for padding, grids in (("valid", []), ("same", [({"x", "y"}, {"x"})])):
        assert shared(lambda b, x, p=padding: b.float_pool2d(FloatPool.AVERAGE, x, 2, padding=p, name="y")) == grids


def test_every_needed_tensor_has_one_grid() -> None:
    graph = prepare(residual())
    found = groups(graph, selected(graph, set()))
    names = [name for group in found for name in group.members]
    assert len(names) == len(set(names))
    assert all(group.deciding for group in found)
    assert {"x", "a", "b", "sum", "relu", "both", "mean", "logits"} <= set(names)

"""Cross-layer equalization and bias correction, each alone."""

from __future__ import annotations

import numpy as np
import pytest
from quantizable import SHAPE, images, normal, skewed

from intaglio import Builder, Graph, reference
from intaglio.calibration import calibrate
from intaglio.grids import Grid
from intaglio.opset import FloatPool, FloatReduce, FloatUnary
from intaglio.quantizer.choose_grids import channel_axis, weight_grid
from intaglio.quantizer.correct_bias import correct_bias, inputs_to_measure
from intaglio.quantizer.equalize import equalize

RNG = np.random.default_rng(6)


def equalized(graph: Graph) -> tuple[Graph, dict[str, np.ndarray]]:
    return equalize(graph, {node.name for node in graph.nodes})


def check_same(before: Graph, after: Graph) -> None:
    x = {"x": images(1, 3)}
    for name, expected in reference.run(before, x).items():
        np.testing.assert_allclose(reference.run(after, x)[name], expected, rtol=1e-3, atol=1e-4)


def ranges(graph: Graph, name: str) -> np.ndarray:
    """The largest weight of each output channel of a node."""
    node = next(node for node in graph.nodes if node.name == name)
    weight = graph.tensors[node.inputs[1]]
    axis = channel_axis(node, weight)
    return np.abs(weight.data).max(axis=tuple(i for i in range(len(weight.shape)) if i != axis))


def test_channels_become_alike() -> None:
    graph = skewed()
    after, factors = equalized(graph)
    check_same(graph, after)
    assert set(factors) == {"first", "depthwise"}
    for name in factors:
        assert np.ptp(np.log2(ranges(graph, name))) > 5
        assert np.ptp(np.log2(ranges(after, name))) < 2


def test_recorded_factors_are_what_tensors_were_divided_by() -> None:
    graph = skewed()
    after, factors = equalized(graph)
    x = {"x": images(1, 3)}
    before, now = (reference.run(g, x, all_tensors=True) for g in (graph, after))
    for name, factor in factors.items():
        np.testing.assert_allclose(now[name] * factor, before[name], rtol=1e-3, atol=1e-4)


def test_grouped_and_multiplied_channels() -> None:
    b = Builder()
    b.input("x", SHAPE, dtype="float32")
    skew = 2.0 ** RNG.uniform(-4, 4, 8)
    x = b.float_conv2d("x", normal(RNG, 8, 1, 1, 3) * skew[:, None, None, None], normal(RNG, 8), name="first")
    x = b.float_conv2d(x, normal(RNG, 6, 3, 3, 4), activation="relu", groups=2, name="grouped")
    x = b.float_depthwise_conv2d(x, normal(RNG, 3, 3, 12), name="twice")
    b.output(b.float_conv2d(x, normal(RNG, 4, 1, 1, 12), name="last"))
    graph = b.build()
    after, factors = equalized(graph)
    check_same(graph, after)
    assert set(factors) == {"first", "grouped", "twice"}


def test_factors_pass_what_scales_with_its_input() -> None:
    b = Builder()
    b.input("x", SHAPE, dtype="float32")
    x = b.float_conv2d("x", normal(RNG, 8, 1, 1, 3), normal(RNG, 8), activation="relu", name="first")
    x = b.float_pool2d(FloatPool.MAX, b.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), 0), 2, name="pool")
    x = b.float_unary(FloatUnary.LEAKY_RELU, x, (0.1,), name="leaky")
    x = b.reshape(b.float_reduce(FloatReduce.MEAN, x, (1, 2), keepdims=True), (1, 8))
    b.output(b.float_matmul(x, normal(RNG, 8, 3), name="last"))
    graph = b.build()
    after, factors = equalized(graph)
    check_same(graph, after)
    assert {"first", "pool", "leaky"} < set(factors)


@pytest.mark.parametrize("obstacle", ["relu6", "second reader", "output", "tanh", "shared weights"])
def test_where_factors_cannot_pass(obstacle: str) -> None:
    b = Builder()
    b.input("x", SHAPE, dtype="float32")
    w = b.constant(normal(RNG, 3, 1, 1, 3), name="w")
    x = b.float_conv2d("x", w, activation="relu6" if obstacle == "relu6" else "relu", name="first")
    y = b.float_unary(FloatUnary.TANH, x) if obstacle == "tanh" else x
    b.output(b.float_conv2d(y, w if obstacle == "shared weights" else normal(RNG, 3, 1, 1, 3)))
    if obstacle == "second reader":
        b.output(b.float_unary(FloatUnary.EXP, x))
    if obstacle == "output":
        b.output(x)
    assert equalized(b.build())[1] == {}


def test_channels_without_weights_are_left_alone() -> None:
    b = Builder()
    b.input("x", SHAPE, dtype="float32")
    first, second = normal(RNG, 4, 1, 1, 3), normal(RNG, 2, 1, 1, 4)
    first[1], second[..., 2] = 0, 0
    x = b.float_conv2d("x", first, normal(RNG, 4), activation="relu", name="first")
    b.output(b.float_conv2d(x, second))
    graph = b.build()
    after, factors = equalized(graph)
    check_same(graph, after)
    assert list(factors["first"][[1, 2]]) == [1, 1]


@pytest.mark.parametrize("op", ["float_conv2d", "float_depthwise_conv2d", "float_matmul"])
def test_bias_correction_takes_back_the_mean_error(op: str) -> None:
    b = Builder()
    b.input("x", SHAPE, dtype="float32")
    x = b.float_unary(FloatUnary.ABS, "x", name="positive")
    match op:
        case "float_matmul":
            y = b.float_matmul(x, normal(RNG, 3, 4), normal(RNG, 4), name="layer")
        case "float_depthwise_conv2d":
            y = b.float_depthwise_conv2d(x, normal(RNG, 3, 3, 6), normal(RNG, 6), padding="same", name="layer")
        case _:
            y = b.float_conv2d(x, normal(RNG, 4, 3, 3, 3), normal(RNG, 4), padding="same", stride=2, name="layer")
    b.output(y)
    graph = b.build()
    layer = graph.nodes[-1]
    weight = graph.tensors[layer.inputs[1]]
    # A coarse grid, so that rounding shifts the mean visibly.
    fine = weight_grid(weight.data, None)
    coarse = Grid(fine.scale * 16, fine.zero_point)
    data = images(200)
    statistics = calibrate(graph, data, tensors=inputs_to_measure(graph, [layer]), progress=False)
    corrected = correct_bias(graph, [layer], {weight.name: coarse}, statistics)

    def shift(g: Graph) -> np.ndarray:
        """The mean error per channel where the weights are rounded."""
        tensors = dict(g.tensors)
        rounded = coarse.reals(coarse.rounded(weight.data))
        tensors[weight.name] = type(weight)(weight.name, weight.shape, weight.dtype, constant=rounded)
        outputs = [
            reference.run(run, {"x": data})[y].mean(axis=(0, 1, 2))
            for run in (Graph(tensors, g.nodes, g.inputs, g.outputs), graph)
        ]
        return np.abs(outputs[0] - outputs[1]).max()

    assert shift(graph) > 0.05
    assert shift(corrected) < shift(graph) / 10

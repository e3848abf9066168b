"""Float graphs with grids become integer graphs that round where the grids say, and float where there is no form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from intaglio import Builder, reference
from intaglio.graph import Graph, Port
from intaglio.grids import Dequantized, Grid, Grids, integers
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary
from intaglio.passes import simplify
from intaglio.passes.to_integer import to_integer

RNG = np.random.default_rng(5)


def grid(scale: float, zero_point: int = 0) -> Grid:
    return Grid(np.array(scale, np.float32), np.array(zero_point, np.int32))


def weight_grid(values: np.ndarray, axis: int) -> Grid:
    others = tuple(i for i in range(values.ndim) if i != axis)
    scale = (np.abs(values).max(axis=others) / 127).astype(np.float32)
    return Grid(scale, np.zeros(scale.shape, np.int32), axis, low=-127)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


X, Y = grid(0.02, 5), grid(0.0413, -20)


def network(shape: tuple[int, ...], make: Callable[[Builder, str], str], grids: Grids) -> tuple[Graph, Grids]:
    """A graph of ``make``, whose input ``x`` lies on X and whose result is called ``y``."""
    b = Builder()
    b.input("x", shape, dtype="float32")
    y = make(b, "x")
    b.output(y)
    return b.build(), {"x": X, y: Y} | grids


def expected(graph: Graph, grids: Grids, x: np.ndarray) -> np.ndarray:
    """The float graph with every tensor rounded to its grid: what the integer graph stands for."""
    values = {"x": grids["x"].reals(grids["x"].rounded(x))}
    tensors = dict(graph.tensors)
    for name, tensor in tensors.items():
        if tensor.constant is not None and name in grids:
            rounded = grids[name].reals(integers(tensor.constant, grids[name]))
            tensors[name] = type(tensor)(name, tensor.shape, tensor.dtype, constant=rounded)
    for node in graph.nodes:
        inputs = [name for name in node.inputs if tensors[name].data is None]
        ports = tuple(Port(name, tensors[name].dtype) for name in inputs)
        out = node.outputs[0]
        used = {name: tensors[name] for name in (*node.inputs, out)}
        one = Graph(used, (node,), ports, (Port(out, tensors[out].dtype),))
        value = reference.run(one, {name: values[name] for name in inputs})[out]
        values[out] = grids[out].reals(grids[out].rounded(value)) if out in grids else value
    return values[graph.outputs[0].tensor]


def check(graph: Graph, grids: Grids, ops: list[str], *, exact: bool = False) -> Graph:
    """The integer graph has these ops between its edges and, ties aside, rounds as the grids say."""
    result = simplify(to_integer(graph, grids))
    result.validate()
    made = [node.op for node in result.nodes]
    assert made == ["quantize", *ops, "dequantize"]
    assert [port.tensor for port in result.outputs] == [port.tensor for port in graph.outputs]
    x = normal(*graph.tensors["x"].shape)
    name = graph.outputs[0].tensor
    got, want = reference.run(result, {"x": x})[name], expected(graph, grids, x)
    steps = np.abs(np.rint((got - want) / grids[name].scale))
    assert steps.max() <= (0 if exact else 1)
    assert (steps > 0).mean() <= 0.02
    return result


def test_conv2d() -> None:
    w, bias = normal(6, 3, 3, 2), normal(6)
    graph, grids = network(
        (2, 7, 6, 4),
        lambda b, x: b.float_conv2d(
            x, w, bias, stride=(2, 1), padding=(1, 0, 2, 1), groups=2, activation=(-0.48, 1.48)
        ),
        {"float_conv2d_0/weight": weight_grid(w, 0)},
    )
    node = check(graph, grids, ["conv2d"]).nodes[1]
    assert node.attrs["clamp"] == (-32, 16)
    assert node.name == "float_conv2d_0"


def test_depthwise_and_transposed() -> None:
    w = normal(3, 3, 8)
    graph, grids = network(
        (1, 6, 6, 4),
        lambda b, x: b.float_depthwise_conv2d(x, w, normal(8), padding="same"),
        {"float_depthwise_conv2d_0/weight": weight_grid(w, 2)},
    )
    check(graph, grids, ["depthwise_conv2d"])
    w = normal(5, 3, 3, 4)
    graph, grids = network(
        (1, 6, 6, 4),
        lambda b, x: b.float_transposed_conv2d(x, w, normal(5), stride=2),
        {"float_transposed_conv2d_0/weight": weight_grid(w, 0)},
    )
    check(graph, grids, ["transposed_conv2d"])


def test_matmul_by_a_matrix_is_fully_connected() -> None:
    w = normal(12, 7)
    graph, grids = network(
        (3, 2, 12),
        lambda b, x: b.float_matmul(x, w, normal(7), activation="relu"),
        {"float_matmul_0/b": weight_grid(w, 1)},
    )
    check(graph, grids, ["fully_connected"])


def test_matmul_of_activations() -> None:
    graph, grids = network((2, 5, 5), lambda b, x: b.float_matmul(x, b.transpose(x, (0, 2, 1))), {})
    check(graph, grids, ["transpose", "batch_matmul"])
    biased, grids = network((2, 5, 5), lambda b, x: b.float_matmul(x, x, normal(5)), {})
    check(biased, grids, ["dequantize", "float_matmul", "quantize"])


def test_known_integers_are_kept() -> None:
    w, bias = RNG.integers(-128, 128, (4, 1, 1, 3)).astype(np.int8), RNG.integers(-999, 999, 4).astype(np.int32)
    scale = np.full(4, 0.01, np.float32)
    zero = np.zeros(4, np.int32)
    weights = Dequantized(Grid(scale, zero + 3, 0), w)
    biases = Dequantized(Grid(np.float32(0.02) * scale, zero, 0), bias)
    held = {"float_conv2d_0/weight": weights, "float_conv2d_0/bias": biases}
    graph, grids = network(
        (1, 4, 4, 3),
        lambda b, x: b.float_conv2d(x, weights.numbers(), biases.numbers()),
        {name: constant.grid for name, constant in held.items()},
    )
    tensors = {name: replace(graph.tensors[name], constant=constant) for name, constant in held.items()}
    result = check(replace(graph, tensors=graph.tensors | tensors), grids, ["conv2d"])
    node = result.nodes[1]
    np.testing.assert_array_equal(result.tensors[node.inputs[1]].data, w)
    np.testing.assert_array_equal(result.tensors[node.inputs[2]].data, bias)
    assert node.attrs["weight_zero_point"] == 3


@pytest.mark.parametrize("kind", [FloatBinary.ADD, FloatBinary.SUB, FloatBinary.MUL])
def test_binary(kind: FloatBinary) -> None:
    graph, grids = network(
        (2, 9, 5),
        lambda b, x: b.float_binary(kind, x, b.constant(normal(9, 1), name="c")),
        {"c": grid(0.03, -4)},
    )
    check(graph, grids, [kind.name.lower()])


@pytest.mark.parametrize("kind", [FloatBinary.MAXIMUM, FloatBinary.MINIMUM])
def test_extremes_meet_on_the_grid_of_the_result(kind: FloatBinary) -> None:
    graph, grids = network(
        (2, 90, 5), lambda b, x: b.float_binary(kind, x, b.constant(normal(90, 5), name="c")), {"c": grid(0.03, -4)}
    )
    check(graph, grids, ["lookup", kind.name.lower()])


@pytest.mark.parametrize("kind", [FloatBinary.DIV, FloatBinary.MUL, FloatBinary.POW, FloatBinary.SUB])
def test_one_number_makes_a_table(kind: FloatBinary) -> None:
    number = 2.0 if kind is FloatBinary.POW else 0.7
    graph, grids = network((2, 90), lambda b, x: b.float_binary(kind, x, b.constant(np.float32(number))), {})
    check(graph, grids, ["lookup"], exact=True)


@pytest.mark.parametrize("kind", list(FloatUnary))
def test_unary_is_a_table(kind: FloatUnary) -> None:
    parameters = {"low": -0.5, "high": 1.2, "alpha": 0.3, "beta": 0.5}
    values = [parameters[name] for name in kind.parameters]
    graph, grids = network((2, 300), lambda b, x: b.float_unary(kind, x, values), {})
    check(graph, grids, ["lookup"], exact=True)


def test_clamps_merge_into_the_op_before() -> None:
    def make(b: Builder, x: str) -> str:
        return b.float_unary(FloatUnary.CLIP, b.float_binary(FloatBinary.ADD, x, x), (0.0, np.inf))

    graph, grids = network((2, 90), make, {})
    result = check(graph, grids, ["add"])
    assert result.nodes[1].attrs["clamp"] == (-20, 127)


def test_prelu() -> None:
    graph, grids = network(
        (2, 3, 3, 40),
        lambda b, x: b.float_prelu(x, b.constant(normal(40), name="slope")),
        {"slope": grid(0.03, 0)},
    )
    check(graph, grids, ["lookup", "lookup", "mul", "add"])
    single, grids = network((2, 50), lambda b, x: b.float_prelu(x, np.array([0.25], np.float32)), {})
    check(single, grids, ["lookup"])


@pytest.mark.parametrize(
    ("kind", "padding", "ops"),
    [
        (FloatPool.MAX, "same", ["max_pool2d", "lookup"]),
        (FloatPool.AVERAGE, "valid", ["depthwise_conv2d"]),
        (FloatPool.AVERAGE_INCLUDING_PADDING, "same", ["depthwise_conv2d"]),
    ],
)
def test_pools(kind: FloatPool, padding: Literal["same", "valid"], ops: list[str]) -> None:
    graph, grids = network((1, 9, 8, 5), lambda b, x: b.float_pool2d(kind, x, 3, stride=2, padding=padding), {})
    check(graph, grids, ops)


@pytest.mark.parametrize("kind", [FloatPool.MAX, FloatPool.AVERAGE])
def test_pools_on_one_grid(kind: FloatPool) -> None:
    graph, _ = network((1, 9, 8, 5), lambda b, x: b.float_pool2d(kind, x, 3, stride=2), {})
    check(graph, {"x": X, graph.outputs[0].tensor: X}, [f"{kind.name.lower()}_pool2d"])


@pytest.mark.parametrize("kind", [FloatReduce.MEAN, FloatReduce.SUM])
def test_reductions(kind: FloatReduce) -> None:
    graph, grids = network((2, 4, 5, 30), lambda b, x: b.float_reduce(kind, x, (1, 2), keepdims=True), {})
    check(graph, grids, ["mean"])


def test_softmax() -> None:
    graph, grids = network((20, 9), lambda b, x: b.float_softmax(x), {"float_softmax_0": grid(1 / 256, -128)})
    check(graph, grids, ["softmax"])


def test_movement_keeps_the_grid() -> None:
    def make(b: Builder, x: str) -> str:
        turned = b.transpose(b.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)), 0), (0, 2, 1, 3))
        return b.strided_slice(b.resize_nearest(turned, (8, 8)), (None, 1), (None, 5))

    graph, grids = network((1, 4, 4, 3), make, {})
    grids[graph.outputs[0].tensor] = X
    check(graph, grids, ["pad", "transpose", "resize_nearest", "slice"], exact=True)


def test_padding_values_are_rounded() -> None:
    value = int(np.array(0.305, np.float32).view(np.int32))
    graph, grids = network((2, 3), lambda b, x: b.pad(x, ((1, 1), (0, 2)), value), {"pad_0": X})
    assert check(graph, grids, ["pad"]).nodes[1].attrs["value"] == 20


def test_concat_brings_its_inputs_to_one_grid() -> None:
    def make(b: Builder, x: str) -> str:
        return b.concat([x, b.float_unary(FloatUnary.TANH, x)], -1)

    graph, grids = network((2, 30), make, {"float_tanh_0": grid(1 / 128), "concat_0": X})
    check(graph, grids, ["lookup", "lookup", "concat"][1:])


def test_resize_bilinear() -> None:
    rows = np.array([[0, 0], [0, 1], [1, 2], [2, 2]])
    weights = np.array([0, 0.23, 0.6, 0])
    graph, grids = network((1, 3, 3, 5), lambda b, x: b.float_resize_bilinear(x, rows, weights, rows, weights), {})
    grids["float_resize_bilinear_0"] = X
    check(graph, grids, ["resize_bilinear"])


def test_gather_of_constants() -> None:
    b = Builder()
    b.input("x", (1, 4), dtype="int32")
    b.output(b.gather(b.constant(normal(9, 3), name="rows"), "x", 0))
    result = to_integer(b.build(), {"rows": X})
    assert [node.op for node in result.nodes] == ["gather", "dequantize"]


def test_islands_between_integers() -> None:
    """A node without a grid reads dequantized values; what it makes is rounded where a grid says so."""
    w = normal(4, 1, 1, 3)

    def make(b: Builder, x: str) -> str:
        first = b.float_conv2d(x, w)
        return b.float_unary(FloatUnary.EXP, b.float_unary(FloatUnary.SIN, first))

    graph, grids = network((1, 4, 4, 3), make, {"float_conv2d_0/weight": weight_grid(w, 0), "float_conv2d_0": X})
    check(graph, grids, ["conv2d", "dequantize", "float_unary", "float_unary", "quantize"])


def test_accumulators_that_could_overflow_stay_float() -> None:
    w = np.full((1, 1, 1, 2), 0.01, np.float32)
    graph, grids = network(
        (1, 2, 2, 2),
        lambda b, x: b.float_conv2d(x, w, np.array([1e7], np.float32)),
        {"float_conv2d_0/weight": weight_grid(w, 0)},
    )
    check(graph, grids, ["dequantize", "float_conv2d", "quantize"])


def test_ports_of_integers() -> None:
    b = Builder()
    b.input("x", (1, 8), dtype="float32")
    b.output(b.float_unary(FloatUnary.NEG, "x"))
    graph = b.build()
    ports = (Port("x", np.dtype(np.uint8)),), (Port("float_neg_0", np.dtype(np.int8)),)
    graph = Graph(graph.tensors, graph.nodes, *ports)
    result = to_integer(graph, {"x": X, "float_neg_0": X})
    assert [node.op for node in result.nodes] == ["lookup"]
    assert (result.inputs[0].dtype, result.outputs[0].dtype) == (np.uint8, np.int8)
    x = np.arange(130, 138, dtype=np.uint8).reshape(1, 8)
    np.testing.assert_array_equal(reference.run(result, {"x": x})["float_neg_0"], [[8, 7, 6, 5, 4, 3, 2, 1]])


def test_fixed_point() -> None:
    w = normal(6, 3, 3, 2)
    graph, grids = network(
        (1, 7, 6, 2), lambda b, x: b.float_conv2d(x, w, normal(6)), {"float_conv2d_0/weight": weight_grid(w, 0)}
    )
    result = to_integer(graph, grids, requant="fixed")
    assert result.nodes[1].attrs["requant"] == 1


def test_inputs_that_are_outputs() -> None:
    graph, grids = network((1, 8), lambda b, x: b.float_unary(FloatUnary.NEG, x), {})
    graph = Graph(graph.tensors, graph.nodes, graph.inputs, (*graph.outputs, *graph.inputs))
    result = to_integer(graph, grids)
    assert [port.tensor for port in result.outputs] == ["float_neg_0", "x"]
    assert [node.op for node in result.nodes] == ["quantize", "lookup", "dequantize"]

"""The rules of graphs: each broken rule is a typed error that names the node or tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs, random_graph

from intaglio.builder import Builder
from intaglio.errors import DTypeError, Error, GraphError, QuantizationError, ShapeError, UnsupportedOpError
from intaglio.graph import Graph, Node, Port, Tensor
from intaglio.opset import BY_NAME
from intaglio.rules import NodeView
from intaglio.rules.requantization import largest_sum
from intaglio.summary import macs

INT8 = np.dtype(np.int8)


def activation(name: str, *shape: int) -> Tensor:
    return Tensor(name, shape, INT8, np.float32(0.5), 3)


def chain() -> Graph:
    """x -> reshape a -> reshape b."""
    tensors = [activation("x", 2, 3), activation("y", 6), activation("z", 3, 2)]
    nodes = (Node("reshape", "a", ("x",), ("y",)), Node("reshape", "b", ("y",), ("z",)))
    return Graph({t.name: t for t in tensors}, nodes, (Port("x", INT8),), (Port("z", INT8),))


def with_tensor(graph: Graph, tensor: Tensor) -> Graph:
    return replace(graph, tensors=graph.tensors | {tensor.name: tensor})


def one(op: str, seed: int = 0) -> tuple[Graph, Node]:
    graph = random_graph(op, np.random.default_rng(seed))
    return graph, graph.nodes[0]


@given(graphs())
def test_random_graphs_are_valid(case: tuple[Graph, Any]) -> None:
    case[0].validate()


STRUCTURE: list[tuple[Callable[[Graph], Graph], type[Error], str]] = [
    (lambda g: replace(g, nodes=g.nodes[::-1]), GraphError, r"node 'b' \(reshape\): input 'y': .* earlier node"),
    (lambda g: replace(g, nodes=g.nodes[:1]), GraphError, "tensor 'z': expected a constant, an input or the output"),
    (lambda g: replace(g, nodes=(*g.nodes, replace(g.nodes[1], name="c"))), GraphError, "output 'z'.*a second one"),
    (lambda g: replace(g, nodes=(g.nodes[0], replace(g.nodes[1], name="a"))), GraphError, "node 'a' .* name"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], name=""), g.nodes[1])), GraphError, "name: expected unique"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], op="gru"), g.nodes[1])), UnsupportedOpError, "node 'a' .*gru"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], inputs=("q",)), g.nodes[1])), GraphError, "unknown name 'q'"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], outputs=("q",)), g.nodes[1])), GraphError, r"got \['q'\]"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], outputs=()), g.nodes[1])), GraphError, "expected one tensor"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], outputs=("x",)), g.nodes[1])), GraphError, "output 'x'"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], inputs=()), g.nodes[1])), GraphError, r"expected 1 \(x\), got 0"),
    (lambda g: replace(g, nodes=(replace(g.nodes[0], attrs={"a": 1}), g.nodes[1])), GraphError, "attributes: expected"),
    (lambda g: replace(g, inputs=(Port("q", INT8),)), GraphError, "input 'q'"),
    (lambda g: replace(g, inputs=g.inputs * 2), GraphError, "input 'x': expected each input once"),
    (lambda g: replace(g, outputs=g.outputs * 2), GraphError, "output 'z': expected each output once"),
    (lambda g: replace(g, inputs=(Port("x", np.dtype(np.int32)),)), DTypeError, "expected int8 or uint8, got int32"),
    (lambda g: replace(g, tensors=g.tensors | {"w": g.tensors["x"]}), GraphError, "expected the key 'w', got 'x'"),
    (lambda g: with_tensor(g, replace(g.tensors["x"], constant=np.zeros((2, 3), INT8))), GraphError, "got a constant"),
]


@pytest.mark.parametrize(("change", "error", "message"), STRUCTURE)
def test_structure(change: Callable[[Graph], Graph], error: type[Error], message: str) -> None:
    chain().validate()
    with pytest.raises(error, match=message):
        change(chain()).validate()


TENSORS: list[tuple[dict[str, Any], type[Error], str]] = [
    ({"name": ""}, GraphError, "not empty"),
    ({"dtype": np.dtype(np.uint8)}, DTypeError, "expected int8, int32, int64 or float32, got uint8"),
    ({"shape": (1,) * 9}, ShapeError, "at most 8, got 9"),
    ({"shape": (-1,)}, ShapeError, "sizes from 0"),
    ({"shape": (2**31,)}, ShapeError, "sizes from 0"),
    ({"shape": (2**20, 2**20, 0)}, ShapeError, r"less than 2\^40 bytes"),
    ({"scale": np.float32(0)}, QuantizationError, "scale"),
    ({"scale": np.float32(-1)}, QuantizationError, "scale"),
    ({"scale": np.float32(np.nan)}, QuantizationError, "scale"),
    ({"scale": np.float32(np.inf)}, QuantizationError, "scale"),
    ({"scale": np.float32(1e-40)}, QuantizationError, "normal"),
    ({"scale": None}, QuantizationError, "zero point without scale"),
    ({"zero_point": 128}, QuantizationError, "-128 to 127, got 128"),
    ({"zero_point": -129}, QuantizationError, "-128 to 127, got -129"),
    ({"dtype": np.dtype(np.int32)}, DTypeError, "dtype of a quantized tensor"),
    ({"constant": np.zeros(2, np.int32)}, DTypeError, "dtype of data"),
    ({"constant": np.zeros(3, np.int8)}, ShapeError, "shape of data"),
    ({"constant": np.zeros(4, np.int8)[::2]}, GraphError, "C-contiguous"),
]


@pytest.mark.parametrize(("change", "error", "message"), TENSORS)
def test_tensors(change: dict[str, Any], error: type[Error], message: str) -> None:
    tensor = replace(activation("t", 2), **change)
    with pytest.raises(error, match=message) as caught:
        Graph({tensor.name: tensor}, (), (), ()).validate()
    assert f"tensor '{tensor.name}'" in str(caught.value)


ATTRIBUTES: list[tuple[str, str, Any, type[Error]]] = [
    ("conv2d", "groups", 0, GraphError),
    ("conv2d", "groups", 1000, GraphError),
    ("conv2d", "dilation", (0, 1), GraphError),
    ("conv2d", "stride", (1, 0), GraphError),
    ("conv2d", "stride", (1, 2**24 + 1), GraphError),
    ("conv2d", "stride", 1, GraphError),
    ("conv2d", "stride", (1, 1, 1), GraphError),
    ("conv2d", "padding", (0, 0, -1, 0), GraphError),
    ("conv2d", "padding", (90, 90, 90, 90), ShapeError),
    ("conv2d", "requant", 2, GraphError),
    ("conv2d", "clamp", (5, 4), GraphError),
    ("conv2d", "clamp", (-129, 4), GraphError),
    ("conv2d", "weight_zero_point", 128, GraphError),
    ("transposed_conv2d", "padding", (-1, 0, 0, 0), GraphError),
    ("add", "multiplier", (-1, 1, 0), GraphError),
    ("add", "shift", (99, 0, 0), GraphError),
    ("add", "left_shift", 31, Error),
    ("max_pool2d", "kernel", (0, 1), GraphError),
    ("max_pool2d", "kernel", (400, 400), ShapeError),
    ("average_pool2d", "rounding", 0, GraphError),
    ("mean", "axes", (9,), GraphError),
    ("mean", "axes", (-1,), GraphError),
    ("softmax", "numerator", -1, GraphError),
    ("arg_max", "axis", -1, GraphError),
    ("arg_max", "axis", 8, GraphError),
    ("transpose", "permutation", (0, 0), GraphError),
    ("slice", "begin_stride", (0,), GraphError),
    ("pad", "padding", (1,), GraphError),
    ("concat", "axis", 8, GraphError),
    ("quantize", "rounding", 2, GraphError),
]


@pytest.mark.parametrize(("op", "name", "value", "error"), ATTRIBUTES)
def test_attributes(op: str, name: str, value: Any, error: type[Error]) -> None:
    graph, node = one(op)
    changed = replace(graph, nodes=(replace(node, attrs=node.attrs | {name: value}),))
    with pytest.raises(error, match=f"node '{node.name}' \\({op}\\)"):
        changed.validate()


@pytest.mark.parametrize("op", sorted(BY_NAME))
def test_a_missing_attribute_or_input_is_named(op: str) -> None:
    graph, node = one(op)
    for attr in node.attrs:
        fewer = {k: v for k, v in node.attrs.items() if k != attr}
        with pytest.raises(GraphError, match=f"attributes: expected .*{attr}"):
            replace(graph, nodes=(replace(node, attrs=fewer),)).validate()
    with pytest.raises(GraphError, match="inputs: expected"):
        replace(graph, nodes=(replace(node, inputs=()),)).validate()


@pytest.mark.parametrize("op", sorted(set(BY_NAME) - {"broadcast_to"}))
def test_a_wrong_output_shape_is_refused(op: str) -> None:
    graph, node = one(op)
    output = graph.tensors[node.outputs[0]]
    wrong = replace(output, shape=(3, 0, *output.shape[1:]))
    with pytest.raises(ShapeError, match=f"node '{node.name}'"):
        with_tensor(graph, wrong).validate()


@pytest.mark.parametrize("op", sorted(set(BY_NAME) - {"cast"}))
def test_a_wrong_output_dtype_is_refused(op: str) -> None:
    graph, node = one(op)
    output = graph.tensors[node.outputs[0]]
    dtype = np.dtype(np.float32 if output.dtype == np.int64 else np.int64)
    wrong = replace(output, dtype=dtype, scale=None, zero_point=0)
    with pytest.raises(DTypeError, match=f"node '{node.name}'"):
        replace(with_tensor(graph, wrong), outputs=(Port(output.name, dtype),)).validate()


def test_overflow_bound_is_exact() -> None:
    """The bound of a channel is reached by some input, and no input passes it."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        weight = rng.integers(-128, 128, (4, 9)).astype(np.int8)
        bias = rng.integers(-5000, 5000, 4).astype(np.int32)
        zx, zw = int(rng.integers(-128, 128)), int(rng.integers(-128, 128))
        w = weight.astype(int) - zw
        most = (bias + np.where(w > 0, w * (127 - zx), w * (-128 - zx)).sum(axis=1)).tolist()
        least = (bias + np.where(w < 0, w * (127 - zx), w * (-128 - zx)).sum(axis=1)).tolist()
        expected = [max(abs(a), abs(b)) for a, b in zip(most, least, strict=True)]
        assert largest_sum(weight, bias, zx, zw).tolist() == expected


@pytest.mark.parametrize(("spare", "valid"), [(0, False), (1, True)])
def test_overflow_is_refused_at_the_first_value(spare: int, valid: bool) -> None:
    b = Builder()
    x = b.input("x", (1, 2), 1.0, 0)
    # The largest accumulator: bias + 127 * 127 + 128 * 128.
    bias = 2**31 - 127 * 127 - 128 * 128 - spare
    weights = np.int8([[127, -128]])
    if valid:
        b.fully_connected(x, weights, 1e-7, [bias], 1.0, 0, name="big")
    else:
        with pytest.raises(QuantizationError, match=r"node 'big' \(fully_connected\): accumulator: .*up to 2147483648"):
            b.fully_connected(x, weights, 1e-7, [bias], 1.0, 0, name="big")


def test_fixed_shift_left_is_bounded() -> None:
    b = Builder(requant="fixed")
    x = b.input("x", (1, 1), 1.0, 0)
    b.fully_connected(x, np.int8([[1]]), 2.0**22, [0], 1.0, 0, name="fits")
    with pytest.raises(QuantizationError, match="shifted left"):
        b.fully_connected(x, np.int8([[1]]), 2.0**23, [0], 1.0, 0, name="too big")


def test_padding_that_a_window_cannot_touch() -> None:
    b = Builder()
    x = b.input("x", (1, 4, 4, 1), 1.0, 0)
    with pytest.raises(ShapeError, match="every window to touch the input, got window 0"):
        b.max_pool2d(x, 2, stride=1, padding=(2, 0, 0, 0))
    with pytest.raises(ShapeError, match="got window 3 of axis 2"):
        b.average_pool2d(x, 2, stride=2, padding=(0, 0, 0, 5))


def test_enormous_maps_are_judged_without_memory() -> None:
    b = Builder()
    x = b.input("x", (1, 2**31 - 1, 1, 1), 1.0, 0)
    b.output(b.max_pool2d(x, 1))
    b.build()


def test_a_weight_that_is_computed_is_refused() -> None:
    graph, node = one("fully_connected")
    weight = graph.tensors[node.inputs[1]]
    ports = (*graph.inputs, Port(weight.name, weight.dtype))
    with pytest.raises(GraphError, match="input 'weight': expected a constant"):
        replace(with_tensor(graph, replace(weight, constant=None)), inputs=ports).validate()


@given(st.sampled_from(sorted(BY_NAME)), st.integers(0, 2**32 - 1))
def test_damaged_nodes_raise_only_typed_errors(op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, node = one(op, seed)
    attrs = dict(node.attrs)
    for name, value in attrs.items():
        numbers = [int(rng.integers(-(2**40), 2**40) >> int(rng.integers(41))) for _ in range(int(rng.integers(5)))]
        if rng.random() < 0.4:
            attrs[name] = tuple(numbers) if isinstance(value, tuple) else sum(numbers)
    inputs = tuple(rng.choice(list(graph.tensors)) if rng.random() < 0.2 else n for n in node.inputs)
    damaged = replace(graph, nodes=(replace(node, attrs=attrs, inputs=tuple(map(str, inputs))),))
    try:
        damaged.validate()
    except Error as error:
        assert f"'{node.name}'" in str(error)


def test_summary_shows_every_node_and_the_totals() -> None:
    b = Builder()
    x = b.input("image", (1, 8, 8, 4), 1.0, 0)
    y = b.conv2d(x, np.zeros((6, 3, 3, 4), np.int8), 1.0, None, 1.0, 0, padding="same", name="stem")
    y = b.depthwise_conv2d(y, np.zeros((3, 3, 6), np.int8), 1.0, None, 1.0, 0, name="middle")
    b.output(b.fully_connected(b.reshape(y, (1, -1)), np.zeros((10, 216), np.int8), 1.0, None, 1.0, 0, name="head"))
    text = b.build().summary()
    for part in ("image: int8 [1, 8, 8, 4]", "stem", "13,824", "middle", "1,944", "head", "2,160", "17,928", "4 nodes"):
        assert part in text


def test_summary_shows_the_end_of_a_long_name() -> None:
    b = Builder()
    b.output(b.dequantize(b.input("x", (1, 3), 1.0, 0), name="a/very/long/way/" * 5 + "last"))
    rows = b.build().summary().splitlines()
    (row,) = (line for line in rows if "dequantize" in line)
    assert row.startswith("...") and row.split()[0].endswith("/way/last")
    assert len(row) < 100


def test_macs_of_products() -> None:
    b = Builder()
    x = b.input("x", (1, 4, 5, 6), 1.0, 0)
    b.transposed_conv2d(x, np.zeros((7, 2, 3, 6), np.int8), 1.0, None, 1.0, 0, name="up")
    b.batch_matmul(x, b.input("y", (6, 8), 1.0, 0), 1.0, 0, name="product")
    graph = b.build()
    assert [macs(graph, node) for node in graph.nodes] == [4 * 5 * 7 * 2 * 3 * 6, 4 * 5 * 8 * 6]


def test_views_name_inputs_as_the_op_set_does() -> None:
    graph, node = one("fully_connected")
    view = NodeView.of(node, graph.tensors)
    assert [view[name].name for name in view.op.inputs] == list(node.inputs)

"""The engine checks what it is given: files that no writer of ours would make are refused, naming the node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from agreement import Mode
from refusals import expect_refused

from intaglio.builder import Builder
from intaglio.errors import Error, ModelFormatError, QuantizationError, ShapeError
from intaglio.graph import AttrValue, Graph
from intaglio.opset import SCALED_SUM

IMAGE = (1, 6, 6, 4)


def graph_of(op: str, mode: Mode = "float32") -> Graph:
    """A valid graph of one node, called "it"."""
    b = Builder(requant=mode)
    x = b.input("x", IMAGE, 0.1, 3) if op != "quantize" else b.input("x", IMAGE, dtype="float32")
    makers: dict[str, Callable[[], str]] = {
        "add": lambda: b.add(x, x, 0.2, 5, name="it"),
        "mul": lambda: b.mul(x, x, 0.2, 5, name="it"),
        "maximum": lambda: b.maximum(x, x, name="it"),
        "lookup": lambda: b.lookup(x, np.zeros(256, np.int8), 0.2, 5, name="it"),
        "max_pool2d": lambda: b.max_pool2d(x, 2, name="it"),
        "average_pool2d": lambda: b.average_pool2d(x, 2, name="it"),
        "mean": lambda: b.mean(x, (1, 2), 0.2, 5, name="it"),
        "softmax": lambda: b.softmax(x, name="it"),
        "arg_max": lambda: b.arg_max(x, 3, name="it"),
        "transpose": lambda: b.transpose(x, (0, 3, 1, 2), name="it"),
        "slice": lambda: b.strided_slice(x, (0, 1, 1, 0), (1, 5, 5, 4), (1, 1, 1, 1), name="it"),
        "pad": lambda: b.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], name="it"),
        "concat": lambda: b.concat([x, x], 3, name="it"),
        "broadcast_to": lambda: b.broadcast_to(x, (2, 6, 6, 4), name="it"),
        "resize_nearest": lambda: b.resize_nearest(x, (9, 9), name="it"),
        "resize_bilinear": lambda: b.resize_bilinear(x, (9, 9), name="it"),
        "quantize": lambda: b.quantize(x, 0.1, 3, name="it"),
    }
    b.output(makers[op]())
    graph = b.build()
    assert [node.name for node in graph.nodes] == ["it"]
    return graph


def with_attrs(graph: Graph, **attrs: AttrValue) -> Graph:
    (node,) = graph.nodes
    assert attrs.keys() <= node.attrs.keys()
    return replace(graph, nodes=(replace(node, attrs={**node.attrs, **attrs}),))


def with_tensor(graph: Graph, index: int, **fields: Any) -> Graph:
    """The node's input ``index``, or its output (-1), with other fields."""
    (node,) = graph.nodes
    name = node.outputs[0] if index < 0 else node.inputs[index]
    return replace(graph, tensors={**graph.tensors, name: replace(graph.tensors[name], **fields)})


def changed(graph: Graph, index: int, at: Any, value: int) -> Graph:
    """A constant input with one element set."""
    (node,) = graph.nodes
    data = graph.tensors[node.inputs[index]].data
    assert data is not None
    data = data.copy()
    data[at] = value
    return with_tensor(graph, index, constant=data)


SCALED = with_attrs(graph_of("add"), requant=SCALED_SUM, multiplier=(0, 0, 0), shift=(0, 0, 0))

CASES: list[tuple[str, Graph, type[Error], str]] = [
    ("add_clamp", with_attrs(graph_of("add"), clamp=(-129, 127)), QuantizationError, "clamp"),
    ("add_requant", with_attrs(graph_of("add"), requant=3), ModelFormatError, "requant"),
    ("add_shift", with_attrs(graph_of("add"), shift=(31, 0, 0)), ModelFormatError, "shift"),
    ("add_overflow", with_attrs(graph_of("add"), multiplier=(2**24, 2**24, 0)), ModelFormatError, "accumulator"),
    ("add_negative", with_attrs(graph_of("add"), multiplier=(-1, 1, 0)), ModelFormatError, "multiplier"),
    ("add_huge", with_attrs(graph_of("add"), multiplier=(2**62, 2**62, 0)), ModelFormatError, "multiplier"),
    ("add_left_shift", with_attrs(graph_of("add", "fixed"), left_shift=23), ModelFormatError, "left_shift"),
    ("add_fixed_shift", with_attrs(graph_of("add", "fixed"), shift=(9, 0, 0)), ModelFormatError, "operand"),
    ("add_shape", with_tensor(graph_of("add"), -1, shape=(1, 6, 6, 1)), ShapeError, "shape"),
    ("mul_scale", with_tensor(graph_of("mul"), 2, constant=np.array([np.nan], np.float32)), QuantizationError, "scale"),
    ("mul_shift", changed(graph_of("mul", "fixed"), 3, 0, 30), QuantizationError, "accumulator"),
    ("maximum_scale", with_tensor(graph_of("maximum"), -1, scale=np.float32(0.3)), QuantizationError, "quantization"),
    (
        "lookup_table",
        with_tensor(graph_of("lookup"), 1, shape=(255,), constant=np.zeros(255, np.int8)),
        ShapeError,
        "table",
    ),
    ("pool_kernel", with_attrs(graph_of("max_pool2d"), kernel=(0, 2)), ModelFormatError, "kernel"),
    ("pool_stride", with_attrs(graph_of("max_pool2d"), stride=(2**40, 2)), ModelFormatError, "stride"),
    ("pool_size", with_attrs(graph_of("max_pool2d"), padding=(0, 0, 2, 0)), ShapeError, "outputs"),
    ("pool_outside", with_attrs(graph_of("max_pool2d"), padding=(2, 0, 0, 0)), ShapeError, "outputs"),
    (
        "pool_window",
        with_tensor(
            with_attrs(graph_of("average_pool2d"), kernel=(4096, 2048), padding=(2045, 1021, 2045, 1021)),
            -1,
            shape=(1, 1, 1, 4),
        ),
        ModelFormatError,
        "positions",
    ),
    ("pool_rounding", with_attrs(graph_of("average_pool2d"), rounding=0), ModelFormatError, "rounding"),
    ("mean_axes", with_attrs(graph_of("mean"), axes=(2, 1)), ModelFormatError, "axes"),
    ("mean_axis", with_attrs(graph_of("mean"), axes=(1, 4)), ModelFormatError, "axes"),
    ("mean_shape", with_attrs(graph_of("mean"), axes=(1, 3)), ShapeError, "shape"),
    ("softmax_numerator", with_attrs(graph_of("softmax"), numerator=0), ModelFormatError, "numerator"),
    ("softmax_table", changed(graph_of("softmax"), 1, 0, 0), ModelFormatError, "table"),
    ("softmax_negative", changed(graph_of("softmax"), 1, 7, -1), ModelFormatError, "table"),
    ("softmax_fixed", changed(graph_of("softmax", "fixed"), 1, 0, 5), ModelFormatError, "table"),
    ("scaled_nan", with_attrs(SCALED, multiplier=(0x7FC00000, 0, 0)), ModelFormatError, "float32"),
    ("scaled_scale", with_attrs(SCALED, multiplier=(0, -1, 0)), ModelFormatError, "float32"),
    ("scaled_shift", with_attrs(SCALED, shift=(128, 1, 0)), ModelFormatError, "other modes"),
    ("scaled_origin", with_attrs(SCALED, shift=(64, 0, 0)), ModelFormatError, "0 or 128"),
    ("arg_max_axis", with_attrs(graph_of("arg_max"), axis=-1), ModelFormatError, "axis"),
    ("transpose_twice", with_attrs(graph_of("transpose"), permutation=(0, 1, 1, 2)), ModelFormatError, "permutation"),
    ("transpose_rank", with_attrs(graph_of("transpose"), permutation=(0, 1)), ModelFormatError, "attribute"),
    ("slice_begin", with_attrs(graph_of("slice"), begin_stride=(0, 3, 1, 0, 1, 1, 1, 1)), ModelFormatError, "position"),
    ("slice_back", with_attrs(graph_of("slice"), begin_stride=(0, 1, 1, 0, 1, -1, 1, 1)), ModelFormatError, "position"),
    ("slice_zero", with_attrs(graph_of("slice"), begin_stride=(0, 1, 1, 0, 1, 0, 1, 1)), ModelFormatError, "stride"),
    (
        "slice_far",
        with_attrs(graph_of("slice"), begin_stride=(2**62, 1, 1, 0, 1, 1, 1, 1)),
        ModelFormatError,
        "position",
    ),
    ("pad_negative", with_attrs(graph_of("pad"), padding=(0, 0, -1, 3, 1, 1, 0, 0)), ModelFormatError, "padding"),
    ("pad_value", with_attrs(graph_of("pad"), value=128), ModelFormatError, "value"),
    ("concat_axis", with_attrs(graph_of("concat"), axis=4), ModelFormatError, "axis"),
    ("concat_shape", with_attrs(graph_of("concat"), axis=2), ShapeError, "shape"),
    ("broadcast_shape", with_tensor(graph_of("broadcast_to"), -1, shape=(2, 6, 6, 3)), ShapeError, "broadcast"),
    ("nearest_position", changed(graph_of("resize_nearest"), 1, 3, 6), ModelFormatError, "row"),
    ("bilinear_position", changed(graph_of("resize_bilinear"), 2, (3, 1), -1), ModelFormatError, "column"),
    ("bilinear_weight", changed(graph_of("resize_bilinear"), 2, (3, 2), 2049), ModelFormatError, "column"),
    ("bilinear_requant", with_attrs(graph_of("resize_bilinear"), requant=2), ModelFormatError, "requant"),
    ("quantize_rounding", with_attrs(graph_of("quantize"), rounding=2), ModelFormatError, "rounding"),
]


@pytest.mark.parametrize(("graph", "error", "about"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_refused(graph: Graph, error: type[Error], about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expect_refused(graph, error, about, monkeypatch)

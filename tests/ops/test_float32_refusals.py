"""Float32 and int32 ops check what they are given: files that no writer of ours would make are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from refusals import expect_refused
from test_refusals import changed, with_attrs, with_tensor

import intaglio
from intaglio.builder import Builder
from intaglio.errors import DTypeError, Error, ModelFormatError, QuantizationError, ShapeError
from intaglio.graph import Graph
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary, IntegerBinary

IMAGE = (1, 6, 6, 4)


def graph_of(op: str) -> Graph:
    """A valid graph of one node, called "it"."""
    b = Builder()
    x = b.input("x", IMAGE, 1.0, 0) if op.startswith("integer") else b.input("x", IMAGE, dtype="float32")
    positions, halves = np.zeros((3, 2)), np.full(3, 0.5)
    makers: dict[str, Callable[[], object]] = {
        "conv": lambda: b.float_conv2d(x, np.ones((3, 2, 2, 4)), name="it"),
        "depthwise": lambda: b.float_depthwise_conv2d(x, np.ones((2, 2, 8)), name="it"),
        "transposed": lambda: b.float_transposed_conv2d(x, np.ones((3, 2, 2, 4)), stride=2, name="it"),
        "matmul": lambda: b.float_matmul(x, np.ones((4, 5)), name="it"),
        "binary": lambda: b.float_binary(FloatBinary.ADD, x, x, name="it"),
        "clip": lambda: b.float_unary(FloatUnary.CLIP, x, [0, 6], name="it"),
        "pool": lambda: b.float_pool2d(FloatPool.MAX, x, 2, name="it"),
        "reduce": lambda: b.float_reduce(FloatReduce.MEAN, x, (1, 2), name="it"),
        "softmax": lambda: b.float_softmax(x, name="it"),
        "resize": lambda: b.float_resize_bilinear(x, positions, halves, positions, halves, name="it"),
        "prelu": lambda: b.float_prelu(x, np.ones(4), name="it"),
        "gather": lambda: b.gather(x, [0, -3], 1, name="it"),
        "dynamic": lambda: b.dynamic_quantize(x, name="it"),
        "integer_conv": lambda: b.integer_conv2d(x, 0, np.ones((3, 2, 2, 4)), name="it"),
        "integer_matmul": lambda: b.integer_matmul(x, 0, np.ones((4, 5)), name="it"),
        "cast": lambda: b.cast(x, "int32", name="it"),
        "gather_nd": lambda: b.gather_nd(x, [[0, 5], [-1, -6]], name="it"),
        "divide": lambda: b.integer_binary(IntegerBinary.FLOOR_DIV, b.input("a", (3,), dtype="int32"), [2], name="it"),
    }
    makers[op]()
    b.output("it")
    graph = b.build()
    assert [node.name for node in graph.nodes] == ["it"]
    return graph


NAN = np.array([np.nan, 0], np.float32)
CASES: list[tuple[str, Graph, type[Error], str]] = [
    (
        "conv_bounds",
        with_tensor(graph_of("conv"), 3, constant=np.array([1, 0], np.float32)),
        ModelFormatError,
        "bounds",
    ),
    ("conv_bounds_nan", with_tensor(graph_of("conv"), 3, constant=NAN), ModelFormatError, "bounds"),
    ("conv_bias", with_tensor(graph_of("conv"), 2, shape=(2,), constant=np.zeros(2, np.float32)), ShapeError, "bias"),
    ("conv_groups", with_attrs(graph_of("conv"), groups=3), ShapeError, "groups"),
    ("conv_stride", with_attrs(graph_of("conv"), stride=(2**62, 1)), ModelFormatError, "stride"),
    ("conv_padding", with_attrs(graph_of("conv"), padding=(0, 0, -1, 0)), ModelFormatError, "padding"),
    ("conv_size", with_attrs(graph_of("conv"), dilation=(6, 1)), ShapeError, "window"),
    ("conv_output", with_tensor(graph_of("conv"), -1, shape=(1, 5, 5, 4)), ShapeError, "output"),
    ("depthwise_stride", with_attrs(graph_of("depthwise"), stride=(0, 1)), ModelFormatError, "stride"),
    ("depthwise_output", with_tensor(graph_of("depthwise"), -1, shape=(1, 5, 4, 8)), ShapeError, "output"),
    ("transposed_padding", with_attrs(graph_of("transposed"), padding=(0, 40, 0, 0)), ModelFormatError, "output size"),
    ("matmul_output", with_tensor(graph_of("matmul"), -1, shape=(1, 6, 6, 4)), ShapeError, "does not make"),
    ("binary_kind", with_attrs(graph_of("binary"), kind=7), ModelFormatError, "kind"),
    ("binary_output", with_tensor(graph_of("binary"), -1, shape=(1, 6, 6, 1)), ShapeError, "output"),
    ("unary_kind", with_attrs(graph_of("clip"), kind=25), ModelFormatError, "kind"),
    ("unary_parameters", with_attrs(graph_of("clip"), kind=int(FloatUnary.ELU)), ShapeError, "parameters"),
    ("unary_nan", with_tensor(graph_of("clip"), 1, constant=NAN), ModelFormatError, "parameters"),
    ("pool_kind", with_attrs(graph_of("pool"), kind=3), ModelFormatError, "kind"),
    ("pool_outside", with_attrs(graph_of("pool"), padding=(2, 0, 0, 0)), ShapeError, "outputs"),
    ("reduce_axes", with_attrs(graph_of("reduce"), axes=(2, 1)), ModelFormatError, "axes"),
    ("reduce_kind", with_attrs(graph_of("reduce"), kind=-1), ModelFormatError, "kind"),
    ("softmax_log", with_attrs(graph_of("softmax"), log=2), ModelFormatError, "log"),
    ("resize_position", changed(graph_of("resize"), 1, (0, 1), 6), ModelFormatError, "row"),
    ("resize_weight", changed(graph_of("resize"), 4, 0, np.inf), ModelFormatError, "column"),
    ("prelu_slope", with_tensor(graph_of("prelu"), -1, shape=(2, 6, 6, 4)), ShapeError, "output"),
    ("gather_index", changed(graph_of("gather"), 1, 0, 6), ModelFormatError, "index"),
    ("gather_axis", with_attrs(graph_of("gather"), axis=4), ModelFormatError, "axis"),
    ("gather_output", with_tensor(graph_of("gather"), -1, shape=(1, 3, 6, 4)), ShapeError, "output"),
    ("dynamic_scale", with_tensor(graph_of("dynamic"), -1, scale=np.float32(2)), QuantizationError, "quantization"),
    (
        "integer_conv_zero_point",
        with_tensor(graph_of("integer_conv"), 3, shape=(2,), constant=np.zeros(2, np.int32)),
        ShapeError,
        "zero point",
    ),
    (
        "integer_matmul_zero_point",
        with_tensor(graph_of("integer_matmul"), 1, shape=(1,), constant=np.zeros(1, np.int32)),
        ShapeError,
        "zero point",
    ),
    (
        "integer_matmul_type",
        with_tensor(graph_of("integer_matmul"), 2, dtype=np.dtype(np.float32), constant=np.ones((4, 5), np.float32)),
        DTypeError,
        "element type",
    ),
    ("gather_nd_index", changed(graph_of("gather_nd"), 1, (1, 1), -7), ModelFormatError, "index"),
    ("gather_nd_output", with_tensor(graph_of("gather_nd"), -1, shape=(2, 6)), ShapeError, "output"),
    (
        "gather_nd_depth",
        with_tensor(graph_of("gather_nd"), 1, shape=(4,), constant=np.zeros(4, np.int64)),
        ShapeError,
        "output",
    ),
    ("divide_by_zero", changed(graph_of("divide"), 1, 0, 0), ModelFormatError, "zero"),
    ("divide_kind", with_attrs(graph_of("divide"), kind=7), ModelFormatError, "kind"),
    ("divide_output", with_tensor(graph_of("divide"), -1, shape=(1, 3)), ShapeError, "output"),
    ("cast_output", with_tensor(graph_of("cast"), -1, shape=(1, 6, 6, 1)), ShapeError, "output"),
]


@pytest.mark.parametrize(("graph", "error", "about"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_refused(graph: Graph, error: type[Error], about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expect_refused(graph, error, about, monkeypatch)


def test_sums_that_could_overflow_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    b = Builder()
    fits = (2**31 - 1) // 255**2
    x = b.input("x", (1, fits), 1.0, 0)
    b.output(b.integer_matmul(x, 0, np.zeros((fits, 1)), name="it"))
    intaglio.load(b.build())
    longer = b.input("longer", (1, fits + 1), 1.0, 0)
    with pytest.raises(QuantizationError, match="node 'it2'"):
        b.integer_matmul(longer, 0, np.zeros((fits + 1, 1)), name="it2")

"""Every ONNX operator alone: values, shapes and names are those of ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnx
from onnx_networks import check, network, node, ops, run, run_onnxruntime, weights

import intaglio
from intaglio.errors import UnsupportedOpError
from intaglio.opset import FloatUnary

I64 = np.int64


def single(
    op: str, shapes: str, constants: dict[str, Any] | None = None, *, opset: int = 17, **attributes: Any
) -> bytes:
    """One node: ``shapes`` are those of computed inputs x, z ..., e.g. "1,2,3 4"; constants follow them."""
    inputs = {name: [int(n) for n in s.split(",") if n] for name, s in zip("xzw", shapes.split(), strict=False)}
    names = " ".join((*inputs, *(constants or {})))
    return network([node(op, names, **attributes)], inputs, constants, opset=opset)


CONVOLUTIONS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("1,4,7,9", (6, 4, 3, 3), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
    ("2,4,7,9", (6, 2, 3, 2), {"group": 2, "dilations": [2, 3]}),
    ("1,6,8,8", (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
    ("1,3,8,8", (6, 1, 3, 5), {"group": 3}),
    ("1,3,7,8", (2, 3, 2, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    ("1,3,7,8", (2, 3, 2, 4), {"auto_pad": "SAME_LOWER", "strides": [2, 1]}),
    ("1,3,7,8", (2, 3, 2, 4), {"auto_pad": "VALID"}),
    ("1,1,5,5", (3, 1, 1, 1), {}),
    ("1,4,9", (6, 4, 3), {"pads": [1, 2], "strides": [2]}),
    ("1,4,9", (8, 1, 3), {"group": 4, "dilations": [2]}),
]


@pytest.mark.parametrize(("shape", "weight", "attributes"), CONVOLUTIONS)
def test_conv(shape: str, weight: tuple[int, ...], attributes: dict[str, Any]) -> None:
    check(single("Conv", shape, {"weight": weights(*weight)}, **attributes))
    check(single("Conv", shape, {"weight": weights(*weight), "bias": weights(weight[0], seed=2)}, **attributes))


@pytest.mark.parametrize(
    ("shape", "weight", "attributes"),
    [
        ("1,4,5,6", (4, 3, 3, 3), {"strides": [2, 3], "pads": [1, 0, 1, 2]}),
        ("1,4,5,6", (4, 3, 2, 2), {"strides": [2, 2], "output_padding": [1, 0]}),
        ("1,4,5,6", (4, 3, 3, 3), {"strides": [2, 2], "output_shape": [10, 12]}),
        ("1,4,5,6", (4, 3, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("1,4,5,6", (4, 3, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
        ("1,4,5,6", (4, 3, 3, 2), {"dilations": [2, 3]}),
        ("1,4,5,6", (4, 3, 3, 3), {"group": 2}),
        ("1,4,6", (4, 2, 3), {"strides": [2], "pads": [1, 1]}),
    ],
)
def test_conv_transpose(shape: str, weight: tuple[int, ...], attributes: dict[str, Any]) -> None:
    outputs = weight[1] * attributes.get("group", 1)
    check(single("ConvTranspose", shape, {"weight": weights(*weight)}, **attributes))
    check(single("ConvTranspose", shape, {"weight": weights(*weight), "bias": weights(outputs, seed=2)}, **attributes))


@pytest.mark.parametrize(
    "data",
    [
        single("MatMul", "2,3,4", {"b": weights(4, 5)}),
        single("MatMul", "2,1,3,4 5,4,2"),
        single("MatMul", "4", {"b": weights(4, 5)}),
        single("MatMul", "3,4 4"),
        single("MatMul", "4 4"),
        single("Gemm", "3,4", {"b": weights(5, 4), "c": weights(5)}, transB=1),
        single("Gemm", "4,3", {"b": weights(4, 5)}, transA=1, alpha=0.5),
        single("Gemm", "3,4", {"b": weights(4, 5), "c": weights(3, 1)}, alpha=0.5, beta=2.0),
        single("Gemm", "3,4", {"b": weights(4, 5), "c": weights(1)}),
        single("Gemm", "3,4 4,5 3,5"),
    ],
)
def test_matrix_products(data: bytes) -> None:
    check(data, tolerance=4e-6)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ("1,3,7,8", {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [1, 0, 0, 2]}),
        ("1,3,7,8", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
        ("1,3,8,8", {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
        ("1,3,4,5", {"kernel_shape": [4, 5]}),
        ("1,3,9", {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    ],
)
def test_pools(op: str, shape: str, attributes: dict[str, Any]) -> None:
    check(single(op, shape, **attributes))


def test_pools_that_count_padding() -> None:
    padded = {"kernel_shape": [3, 2], "pads": [1, 1, 1, 0], "count_include_pad": 1}
    check(single("AveragePool", "1,3,7,8", **padded))
    check(single("AveragePool", "1,3,7,8", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1))
    for pads in ([1, 1, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1], [2, 2, 2, 2]):
        attributes = {"kernel_shape": [3, 3], "strides": [2, 3], "pads": pads, "ceil_mode": 1, "count_include_pad": 1}
        check(single("AveragePool", "1,3,8,9", opset=19, **attributes))


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", ["1,3,7,8", "1,3,8"])
def test_global_pools(op: str, shape: str) -> None:
    check(single(op, shape))


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
def test_arithmetic(op: str) -> None:
    check(single(op, "2,3,4 3,1"), low=0.5)
    check(single(op, "2,3,4", {"c": weights(4)}), low=0.5)
    check(network([node(op, "c x")], {"x": [1, 3, 1, 4]}, {"c": weights(2, 1)}), low=0.5)


def test_arithmetic_of_many() -> None:
    for op in ("Max", "Min", "Sum"):
        check(network([node(op, "x z c")], {"x": [2, 3], "z": [3]}, {"c": weights(2, 1)}))


def test_pow() -> None:
    check(single("Pow", "2,3", {"c": np.float32(2)}), low=0.1)
    check(single("Pow", "2,3", {"c": np.float32(0.5)}), low=0.1)


FUNCTIONS = ["Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Floor", "Ceil", "Round", "Erf", "HardSwish", "Softplus", "Sign"]


@pytest.mark.parametrize("op", [*FUNCTIONS, "Relu", "LeakyRelu", "Elu", "HardSigmoid", "Sin", "Cos", "Identity"])
def test_functions(op: str) -> None:
    check(single(op, "3,50"), low=-5, high=5)


@pytest.mark.parametrize("op", ["Log", "Sqrt", "Reciprocal"])
def test_functions_of_positive_numbers(op: str) -> None:
    check(single(op, "3,50"), low=0.1, high=5)


def test_functions_with_parameters() -> None:
    check(single("LeakyRelu", "3,50", alpha=0.3))
    check(single("Elu", "3,50", alpha=0.7))
    check(single("HardSigmoid", "3,50", alpha=0.3, beta=0.4))
    check(single("PRelu", "1,3,4,5", {"slope": weights(3, 1, 1)}))
    check(single("Gelu", "3,50", opset=20))
    check(single("Gelu", "3,50", opset=20, approximate="tanh"), tolerance=4e-6)


def test_clip() -> None:
    check(single("Clip", "3,50", {"low": np.float32(-0.5), "high": np.float32(1)}))
    check(network([node("Clip", "x - high")], {"x": [9]}, {"high": np.float32(0.25)}))
    check(single("Clip", "9"))
    computed = [node("Sub", "one high", "low"), node("Cast", "half", "top", to=1), node("Clip", "x low top")]
    constants = {"one": np.float32(1), "high": np.float32(1.5), "half": np.float64(0.5)}
    check(network(computed, {"x": [9]}, constants))
    check(single("Clip", "9", opset=10, min=-0.25, max=0.75))
    check(single("Clip", "9", {"low": np.float32(1), "high": np.float32(-1)}, opset=13))


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax", "ReduceMin"])
def test_reductions_with_attributes(op: str) -> None:
    check(single(op, "2,3,4,5", axes=[1, -1]))
    check(single(op, "2,3,4,5", axes=[2], keepdims=0))
    check(single(op, "2,3,4"))


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
def test_positions_of_extremes(op: str, last: int) -> None:
    for axis in range(-4, 4):
        extreme = node(op, "x", axis=axis, keepdims=axis % 2, select_last_index=last)
        data = network([extreme], {"x": (2, 3, 5, 4)}, dtypes={"y": I64})
        ties = np.random.default_rng(1).integers(-2, 3, (2, 3, 5, 4)).astype(np.float32)
        np.testing.assert_array_equal(run(data, {"x": ties})["y"], run_onnxruntime(data, {"x": ties})["y"])


@pytest.mark.parametrize("last", [0, 1])
def test_extremes_among_channels_need_no_transpose(last: int) -> None:
    """The head of a segmentation network."""
    nodes = [node("Conv", "x w", "h"), node("ArgMax", "h", axis=1, keepdims=0, select_last_index=last)]
    data = network(nodes, {"x": (1, 3, 8, 7)}, {"w": weights(5, 3, 3, 3)}, dtypes={"y": I64})
    extreme = ["slice", "arg_max", "integer_binary"] if last else ["arg_max"]
    assert ops(check(data)) == ["transpose", "float_conv2d", *extreme]


def test_reductions_with_inputs() -> None:
    check(single("ReduceSum", "2,3,4", {"axes": np.array([0, 2], I64)}, keepdims=0), tolerance=4e-6)
    check(single("ReduceMean", "2,3,4", {"axes": np.array([1], I64)}, opset=18))
    check(single("ReduceSum", "2,3,4", {"axes": np.array([], I64)}, noop_with_empty_axes=1))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax(op: str) -> None:
    for axis in (0, 1, -1):
        check(single(op, "2,3,4", axis=axis))
        check(single(op, "2,3,4", axis=axis, opset=11))
    check(single(op, "2,3,4"))
    check(single(op, "2,3,4", opset=11))


def test_normalizations() -> None:
    rng = np.random.default_rng(0)
    statistics = {name: rng.uniform(0.5, 2, 3).astype(np.float32) for name in ("scale", "bias", "mean", "variance")}
    check(single("BatchNormalization", "1,3,4,5", statistics, epsilon=0.01))
    check(single("BatchNormalization", "4,3", statistics))
    parameters = {name: statistics[name] for name in ("scale", "bias")}
    check(single("InstanceNormalization", "1,3,4,5", parameters), tolerance=4e-6)
    check(single("LayerNormalization", "2,4,3", parameters), tolerance=4e-6)


def test_batch_normalization_folds() -> None:
    statistics = {name: np.abs(weights(6, seed=i)) for i, name in enumerate(("scale", "bias", "mean", "variance"))}
    nodes = [
        node("Conv", "x weight", "a"),
        node("BatchNormalization", f"a {' '.join(statistics)}", "b"),
        node("Relu", "b"),
    ]
    graph = check(network(nodes, {"x": [1, 4, 5, 5]}, {"weight": weights(6, 4, 3, 3), **statistics}))
    assert ops(graph) == ["transpose", "float_conv2d", "transpose"]


MOVES: list[bytes] = [
    single("Reshape", "2,3,4", {"shape": np.array([0, -1], I64)}),
    single("Reshape", "2,3,4", {"shape": np.array([4, 1, 6], I64)}),
    single("Flatten", "2,3,4", axis=2),
    single("Flatten", "2,3,4", axis=0),
    single("Squeeze", "1,3,1", {"axes": np.array([-1], I64)}),
    single("Squeeze", "1,3,1"),
    single("Squeeze", "1,3,1", opset=11, axes=[0]),
    single("Unsqueeze", "3,4", {"axes": np.array([0, -1], I64)}),
    single("Unsqueeze", "3,4", opset=11, axes=[1]),
    single("Transpose", "2,3,4", perm=[2, 0, 1]),
    single("Transpose", "2,3,4"),
    single("Expand", "3,1", {"shape": np.array([2, 1, 4], I64)}),
    single("Tile", "2,3", {"repeats": np.array([2, 3], I64)}),
    single("Slice", "5,6", {"starts": np.array([-2, 5], I64), "ends": np.array([9, -100], I64),
                            "axes": np.array([0, 1], I64), "steps": np.array([1, -2], I64)}),
    single("Slice", "5,6", opset=9, starts=[1], ends=[4], axes=[1]),
    single("Gather", "3,4,5", {"indices": np.array([[0, -1], [2, 1]], I64)}, axis=1),
    single("Gather", "3,4,5", {"indices": np.array(2, I64)}, axis=1),
    single("Concat", "2,3 2,5", axis=1),
    single("Concat", "2,3", {"c": weights(2, 2)}, axis=-1),
    single("Pad", "2,3", {"pads": np.array([1, 0, 0, 2], I64), "value": np.float32(1.5)}),
    single("Pad", "4,5", {"pads": np.array([-1, 2, 1, -2], I64)}),
    single("Pad", "4,5", {"pads": np.array([2, 3, 1, 4], I64)}, mode="reflect"),
    single("Pad", "4,5", {"pads": np.array([2, 6, 1, 0], I64)}, mode="edge"),
    single("Pad", "4,5", opset=10, pads=[1, 2, 3, 4], value=0.5),
    single("DepthToSpace", "1,8,2,3", blocksize=2),
    single("DepthToSpace", "1,8,2,3", blocksize=2, mode="CRD"),
    single("SpaceToDepth", "1,3,4,6", blocksize=2),
    single("Dropout", "2,3"),
]  # fmt: skip


@pytest.mark.parametrize("data", MOVES)
def test_moves_lose_nothing(data: bytes) -> None:
    check(data, tolerance=0)


def test_split() -> None:
    for constants, opset, attributes in (
        ({}, 13, {}),
        ({"sizes": np.array([1, 4, 1], I64)}, 13, {}),
        ({}, 11, {"split": [3, 2, 1]}),
        ({}, 18, {"num_outputs": 3}),
    ):
        nodes = [node("Split", " ".join(("x", *constants)), "a b c", axis=1, **attributes)]
        check(network(nodes, {"x": [2, 6]}, constants, outputs="a b c", opset=opset), tolerance=0)


def test_gather_of_computed_indices() -> None:
    data = network([node("Gather", "table x")], {"x": [1, 4]}, {"table": weights(300, 5)}, dtypes={"x": I64})
    check(data, tolerance=0)


COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("size", [(7, 9), (2, 4), (1, 10)])
def test_resize(coordinates: str, size: tuple[int, int]) -> None:
    def resized(mode: str, **attributes: Any) -> bytes:
        sizes = {"sizes": np.array([1, 3, *size], I64)}
        attributes |= {"mode": mode, "coordinate_transformation_mode": coordinates}
        return network([node("Resize", "x - - sizes", **attributes)], {"x": [1, 3, 4, 5]}, sizes, opset=19)

    check(resized("linear"))
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        check(resized("nearest", nearest_mode=rounding), tolerance=0)


def test_resize_by_scales() -> None:
    scales = {"scales": np.array([1, 1, 2.6, 0.7], np.float32)}
    check(network([node("Resize", "x - scales", mode="linear")], {"x": [1, 3, 4, 5]}, scales, opset=13))
    last = {"scales": np.array([1, 1, 2.5], np.float32)}
    check(network([node("Resize", "x - scales", mode="linear")], {"x": [1, 3, 4]}, last, opset=13))
    middle = {"scales": np.array([1, 2, 3, 1], np.float32)}
    check(network([node("Resize", "x - scales", mode="nearest")], {"x": [1, 3, 4, 5]}, middle, opset=13), tolerance=0)
    whole = {"scales": np.array([1, 1, 2, 3], np.float32)}
    check(network([node("Upsample", "x scales")], {"x": [1, 3, 4, 5]}, whole, opset=9), tolerance=0)


@pytest.mark.parametrize(
    ("kind", "nodes"),
    [
        (FloatUnary.SILU, [node("Sigmoid", "x", "s"), node("Mul", "x s")]),
        (FloatUnary.HARD_SWISH, [node("HardSigmoid", "x", "s", alpha=1 / 6, beta=0.5), node("Mul", "s x")]),
        (
            FloatUnary.HARD_SWISH,
            [
                node("Add", "x three", "a"),
                node("Clip", "a zero six", "b"),
                node("Mul", "x b", "c"),
                node("Div", "c six"),
            ],
        ),
        (
            FloatUnary.GELU,
            [
                node("Div", "x root", "a"),
                node("Erf", "a", "b"),
                node("Add", "b one", "c"),
                node("Mul", "x c", "d"),
                node("Mul", "d half"),
            ],
        ),
        (
            FloatUnary.GELU_TANH,
            [
                node("Pow", "x three", "a"),
                node("Mul", "a small", "b"),
                node("Add", "x b", "c"),
                node("Mul", "c factor", "d"),
                node("Tanh", "d", "e"),
                node("Add", "e one", "f"),
                node("Mul", "x half", "g"),
                node("Mul", "g f"),
            ],
        ),
    ],
)
def test_functions_written_as_arithmetic(kind: FloatUnary, nodes: list[Any]) -> None:
    numbers = {"three": 3, "zero": 0, "six": 6, "one": 1, "half": 0.5, "root": np.sqrt(2), "small": 0.044715}
    numbers["factor"] = np.sqrt(2 / np.pi)
    constants = {name: np.float32(value) for name, value in numbers.items()}
    graph = check(network(nodes, {"x": [3, 70]}, constants), low=-4, high=4, tolerance=4e-6)
    assert [(n.op, n.attrs["kind"]) for n in graph.nodes] == [("float_unary", kind)]


def test_what_resembles_a_known_function_is_left_alone() -> None:
    nodes = [node("Mul", "x c", "a"), node("Sigmoid", "a", "s"), node("Mul", "x s")]
    graph = check(network(nodes, {"x": [3, 70]}, {"c": np.float32(1.702)}))
    assert len(graph.nodes) == 3


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Selu", {}),
        ("Selu", {"alpha": 1.5, "gamma": 0.7}),
        ("Celu", {}),
        ("Celu", {"alpha": 1.7}),
        ("Softsign", {}),
        ("Mish", {}),
    ],
)
def test_functions_made_of_others(op: str, attributes: dict[str, float]) -> None:
    check(single(op, "1,3,5", opset=18, **attributes), low=-6, high=6)


@pytest.mark.parametrize("op", ["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_norms(op: str, keepdims: int) -> None:
    check(single(op, "2,3,4,5", axes=[1, 3], keepdims=keepdims))
    check(single(op, "2,3,4", {"axes": np.array([-1], I64)}, opset=18, keepdims=keepdims))


def test_logarithms_of_sums_do_not_overflow() -> None:
    check(single("ReduceLogSumExp", "2,8", axes=[1]), low=80, high=200)


@pytest.mark.parametrize("fill", [-1e9, -np.inf, 0.25])
def test_where_by_a_known_mask(fill: float) -> None:
    mask, number = np.tri(4, 5) > 0, np.float32(fill)
    inputs = {"x": [1, 3, 4, 5]}
    for names in ("mask x fill", "mask fill x"):
        data = network([node("Where", names)], inputs, {"mask": mask, "fill": number})
        x = np.random.default_rng(1).normal(size=(1, 3, 4, 5)).astype(np.float32)
        x[0, 0, 0, :2] = -np.inf, np.inf
        expected = run_onnxruntime(data, {"x": x})["y"]
        np.testing.assert_array_equal(run(data, {"x": x})["y"], expected)


def test_where_between_computed_values_is_refused() -> None:
    data = network([node("Where", "mask x z")], {"x": [2, 2], "z": [2, 2]}, {"mask": np.eye(2) > 0})
    with pytest.raises(UnsupportedOpError, match="it chooses between two computed values"):
        intaglio.convert(data)


def test_gather_nd() -> None:
    check(single("GatherND", "2,3,4", {"indices": np.array([[0, 1], [1, -1]], I64)}), tolerance=0)
    check(single("GatherND", "5,4", {"indices": np.array([[[3]], [[0]]], I64)}), tolerance=0)


def test_causal_masks_are_constants() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("ConstantOfShape", "shape", "ones", value=onnx.numpy_helper.from_array(np.ones(1, np.float32))),
        node("Trilu", "ones k", "mask", upper=0),
        node("Add", "x mask", "y"),
    ]
    assert ops(check(network(nodes, {"x": [4, 6]}, {"k": np.array(1, I64)}))) == ["float_binary"]

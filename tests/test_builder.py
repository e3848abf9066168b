"""The Builder: geometry, parameters, lowered ops against NumPy, names, and errors where the mistake is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from intaglio import reference
from intaglio.builder import Builder
from intaglio.errors import DTypeError, GraphError, QuantizationError, ShapeError, UnsupportedOpError
from intaglio.functions import FUNCTIONS
from intaglio.opset import Requant
from intaglio.quantization import Requantization, SumParameters

RNG = np.random.default_rng(0)


def int8(*shape: int) -> NDArray[np.int8]:
    return RNG.integers(-128, 128, shape, np.int8)


def run(b: Builder, *outputs: str, **inputs: NDArray[Any]) -> list[NDArray[Any]]:
    for name in outputs:
        b.output(name)
    results = reference.run(b.build(), inputs)
    return [results[name] for name in outputs]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "padding", "expected"),
    [
        (5, 3, 1, 1, "same", 5),
        (5, 3, 2, 1, "same", 3),
        (6, 3, 2, 1, "same", 3),
        (5, 2, 1, 1, "same", 5),
        (5, 1, 3, 1, "same", 2),
        (7, 3, 1, 3, "same", 7),
        (5, 3, 1, 1, "valid", 3),
        (5, 3, 2, 1, "valid", 2),
        (7, 3, 1, 3, "valid", 1),
        (5, 3, 1, 1, (1, 0, 2, 3), 6),
    ],
)
def test_convolution_sizes(size: int, kernel: int, stride: int, dilation: int, padding: Any, expected: int) -> None:
    b = Builder()
    x = b.input("x", (1, size, size, 1), 1.0, 0)
    w = np.zeros((1, kernel, kernel, 1), np.int8)
    y = b.conv2d(x, w, 1.0, None, 1.0, 0, stride=stride, dilation=dilation, padding=padding)
    assert b.tensor(y).shape[1] == expected


def test_same_padding_puts_the_odd_position_after() -> None:
    b = Builder()
    x = b.input("x", (1, 4, 5, 1), 1.0, 0)
    b.max_pool2d(x, (2, 3), stride=(1, 2), padding="same")
    assert b.build().nodes[0].attrs["padding"] == (0, 1, 1, 1)


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"), [(3, 2, (0, 1)), (2, 2, (0, 0)), (1, 3, (0, -2)), (4, 2, (1, 1))]
)
def test_same_padding_of_a_transposed_convolution(kernel: int, stride: int, expected: tuple[int, int]) -> None:
    b = Builder()
    x = b.input("x", (1, 5, 5, 1), 1.0, 0)
    y = b.transposed_conv2d(
        x, np.zeros((1, kernel, kernel, 1), np.int8), 1.0, None, 1.0, 0, stride=stride, padding="same"
    )
    assert b.tensor(y).shape == (1, 5 * stride, 5 * stride, 1)
    assert b.build().nodes[0].attrs["padding"] == (expected[0], expected[0], expected[1], expected[1])


def test_transposed_convolution_undoes_the_geometry_of_a_convolution() -> None:
    """<conv(x), y> = <x, transposed(y)> in accumulators that fit int8."""
    x, y = RNG.integers(-2, 3, (1, 6, 6, 1), np.int8), RNG.integers(-2, 3, (1, 3, 3, 1), np.int8)
    w = RNG.integers(-1, 2, (1, 3, 3, 1), np.int8)
    b = Builder()
    p = b.conv2d(b.input("x", x.shape, 1.0, 0), w, 1.0, None, 1.0, 0, stride=2, padding=(1, 1, 0, 0))
    q = b.transposed_conv2d(
        b.input("y", y.shape, 1.0, 0), w, 1.0, None, 1.0, 0, stride=2, padding=(1, 1, 0, 0), output_size=(6, 6)
    )
    forward, backward = run(b, p, q, x=x, y=y)
    assert (forward.astype(int) * y).sum() == (backward.astype(int) * x).sum()


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (None, (-128, 127)),
        ("relu", (-20, 127)),
        ("relu6", (-20, 40)),
        ("relu_n1_to_1", (-30, -10)),
        ((-3, 9), (-3, 9)),
    ],
)
def test_activations_become_clamps(activation: Any, expected: tuple[int, int]) -> None:
    b = Builder()
    x = b.input("x", (4,), 1.0, 0)
    b.mul(x, x, 0.1, -20, activation=activation)
    assert b.build().nodes[0].attrs["clamp"] == expected


def test_weight_scales_become_requantization() -> None:
    b = Builder()
    x = b.input("x", (1, 3), 0.5, 0)
    b.fully_connected(x, int8(2, 3), [0.25, 0.75], None, 2.0, 0, name="a")
    np.testing.assert_array_equal(b.tensor("a/scale").data, np.float32([0.0625, 0.1875]))
    fixed = Builder(requant="fixed")
    fixed.fully_connected(fixed.input("x", (1, 3), 0.5, 0), int8(2, 3), 0.25, None, 2.0, 0, name="a")
    assert fixed.tensor("a/scale").data.tolist() == [2**30, 2**30]
    assert fixed.tensor("a/shift").data.tolist() == [-3, -3]


def test_explicit_requantization_wins() -> None:
    b = Builder()
    x = b.input("x", (1, 3), 0.5, 0)
    given = Requantization.of_multipliers([2**30], [-2])
    b.fully_connected(x, int8(1, 3), None, None, 1.0, 0, requantization=given, name="a")
    b.add(x, x, 1.0, 0, parameters=SumParameters(Requant.FIXED, (1, 2, 3), (0, -1, -2), 5), name="b")
    first, second = b.build().nodes
    assert first.attrs["requant"] == Requant.FIXED
    assert second.attrs["multiplier"] == (1, 2, 3)
    assert second.attrs["left_shift"] == 5


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_are_near_the_real_ones(name: str) -> None:
    b = Builder()
    q = np.arange(-128, 128).astype(np.int8)
    y = b.unary(name, b.input("x", (256,), 0.03, -100 if name in ("log", "sqrt", "rsqrt") else 0), 0.05, -10)
    (got,) = run(b, y, x=q)
    zero = b.tensor("x").zero_point
    with np.errstate(divide="ignore"):
        real = np.clip(
            FUNCTIONS[name](float(np.float32(0.03)) * (q.astype(float) - zero)) / np.float32(0.05) - 10, -128, 127
        )
    assert np.abs(got - real).max() < 0.5001


def test_functions_by_hand() -> None:
    x = np.array([-4.0, -1.0, 0.0, 1.0, 4.0])
    np.testing.assert_allclose(FUNCTIONS["hard_swish"](x), [0, -1 / 3, 0, 2 / 3, 4])
    np.testing.assert_allclose(FUNCTIONS["gelu"](x), [-1.2668e-04, -0.15865525, 0, 0.84134475, 3.99987331], rtol=1e-4)
    np.testing.assert_allclose(FUNCTIONS["gelu"](x, approximate=1), FUNCTIONS["gelu"](x), atol=3e-4)
    np.testing.assert_allclose(FUNCTIONS["elu"](x, alpha=2.0), [2 * np.expm1(-4), 2 * np.expm1(-1), 0, 1, 4])
    np.testing.assert_allclose(FUNCTIONS["leaky_relu"](x, alpha=0.1), [-0.4, -0.1, 0, 1, 4])
    np.testing.assert_allclose(FUNCTIONS["silu"](x), x / (1 + np.exp(-x)))
    np.testing.assert_allclose(FUNCTIONS["mish"](x), x * np.tanh(np.log1p(np.exp(x))))


def test_parameters_of_functions_are_passed_on() -> None:
    b = Builder()
    y = b.unary("leaky_relu", b.input("x", (2,), 1.0, 0), 1.0, 0, alpha=0.5)
    assert run(b, y, x=np.int8([-10, 10]))[0].tolist() == [-5, 10]


def test_requantize_changes_the_scale() -> None:
    b = Builder()
    y = b.requantize(b.input("x", (3,), 1.0, 0), 2.0, 1)
    assert run(b, y, x=np.int8([-128, 3, 127]))[0].tolist() == [-63, 3, 65]


def test_reshapes() -> None:
    b = Builder()
    x = b.input("x", (1, 2, 1, 3), 1.0, 0)
    shapes = {
        b.reshape(x, (-1, 2)): (3, 2),
        b.squeeze(x): (2, 3),
        b.squeeze(x, [-2]): (1, 2, 3),
        b.expand_dims(x, -1): (1, 2, 1, 3, 1),
        b.expand_dims(x, 0): (1, 1, 2, 1, 3),
        b.transpose(x): (3, 1, 2, 1),
        b.transpose(x, (0, -1, 1, 2)): (1, 3, 2, 1),
    }
    for name, shape in shapes.items():
        assert b.tensor(name).shape == shape


@pytest.mark.parametrize(
    "key",
    [
        np.s_[1:4, ::2],
        np.s_[::-1, 3:0:-2],
        np.s_[-2:, :-1],
        np.s_[4:2, :],
        np.s_[2:3],
        np.s_[-100:100, 100:-100:-3],
    ],
)
def test_strided_slice_is_numpys(key: Any) -> None:
    data = int8(5, 6)
    key = key if isinstance(key, tuple) else (key,)
    b = Builder()
    x = b.input("x", (5, 6), 1.0, 0)
    y = b.strided_slice(x, [k.start for k in key], [k.stop for k in key], [k.step or 1 for k in key])
    np.testing.assert_array_equal(run(b, y, x=data)[0], data[key])


def test_split_unpack_pack_and_concat_are_numpys() -> None:
    data = int8(4, 6, 3)
    b = Builder()
    x = b.input("x", data.shape, 1.0, 0)
    equal = b.split(x, 3, 1)
    sized = b.split(x, (1, 3), 0)
    unpacked = b.unpack(x, -1)
    packed = b.pack(unpacked, 0)
    packed_last = b.pack(unpacked, -1)
    joined = b.concat(equal, -2)
    results = run(b, *equal, *sized, *unpacked, packed, packed_last, joined, x=data)
    expected = [
        *np.split(data, 3, 1),
        data[:1],
        data[1:],
        *np.moveaxis(data, -1, 0),
        np.moveaxis(data, -1, 0),
        data,
        data,
    ]
    for got, want in zip(results, expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_depth_and_space() -> None:
    """Channel c of block position (i, j) is channel (i * b + j) * C + c, as TensorFlow orders them."""
    data = int8(2, 3, 2, 12)
    b = Builder()
    x = b.input("x", data.shape, 1.0, 0)
    space = b.depth_to_space(x, 2)
    depth = b.space_to_depth(space, 2)
    got, back = run(b, space, depth, x=data)
    np.testing.assert_array_equal(back, data)
    for i, j, c in np.ndindex(2, 2, 3):
        np.testing.assert_array_equal(got[:, i::2, j::2, c], data[..., (i * 2 + j) * 3 + c])


def test_pad_fills_with_the_real_zero_by_default() -> None:
    b = Builder()
    x = b.input("x", (2,), 1.0, 7)
    default, chosen = b.pad(x, [(1, 0)]), b.pad(x, [(0, 2)], -5)
    results = run(b, default, chosen, x=np.int8([1, 2]))
    assert [r.tolist() for r in results] == [[7, 1, 2], [1, 2, -5, -5]]


def test_global_pools() -> None:
    data = int8(2, 5, 3, 4)
    b = Builder()
    x = b.input("x", data.shape, 1.0, 0)
    largest, average = run(b, b.global_max_pool(x), b.global_average_pool(x), x=data)
    np.testing.assert_array_equal(largest, data.max(axis=(1, 2), keepdims=True))
    assert np.abs(average - data.astype(float).mean(axis=(1, 2), keepdims=True)).max() <= 0.5


def test_batch_matmul_adjoints() -> None:
    left, right = RNG.integers(-3, 4, (2, 5, 4), np.int8), RNG.integers(-3, 4, (6, 5), np.int8)
    b = Builder()
    p, q = b.input("p", left.shape, 1.0, 0), b.input("q", right.shape, 1.0, 0)
    y = b.batch_matmul(p, q, 1.0, 0, adjoint_a=True, adjoint_b=True)
    np.testing.assert_array_equal(run(b, y, p=left, q=right)[0], left.swapaxes(1, 2).astype(int) @ right.T)


def test_names_are_unique_and_stable() -> None:
    b = Builder()
    x = b.input("add_0", (1,), 1.0, 0)
    assert b.add(x, x, 1.0, 0) == "add_1"
    assert b.add(x, x, 1.0, 0, name="mine") == "mine"
    assert b.node("reshape", (x,), shape=(1,), scale=1.0, name="node", output="tensor") == "tensor"
    with pytest.raises(GraphError, match=r"node 'mine' .* got it twice"):
        b.sub(x, x, 1.0, 0, name="mine")
    with pytest.raises(GraphError, match=r"tensor 'add_0': .* got it twice"):
        b.input("add_0", (1,), 1.0, 0)


def test_uint8_constants_are_shifted() -> None:
    b = Builder()
    c = b.tensor(b.constant(np.uint8([0, 128, 255]), 1.0, 128))
    assert c.data is not None
    assert (c.data.tolist(), c.zero_point) == ([-128, 0, 127], 0)


def test_a_builder_goes_on_after_build() -> None:
    b = Builder()
    x = b.input("x", (1,), 1.0, 0)
    b.output(x)
    first = b.build()
    b.output(b.add(x, x, 1.0, 0))
    assert len(first.nodes) == 0
    assert len(b.build().nodes) == 1


def builder() -> tuple[Builder, str]:
    b = Builder()
    return b, b.input("x", (1, 4, 4, 2), 0.5, 0)


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda b, x: Builder(requant="exact"), GraphError, "requant: expected one of float32, fixed"),
    (lambda b, x: b.add(x, "nothing", 1.0, 0), GraphError, "tensor 'nothing'"),
    (lambda b, x: b.node("gru", (x,), shape=()), UnsupportedOpError, "got 'gru'"),
    (lambda b, x: b.unary("bessel", x, 1.0, 0), UnsupportedOpError, "got 'bessel'"),
    (lambda b, x: b.add(x, x, 1.0, 0, activation="swish"), UnsupportedOpError, "activation: .*got 'swish'"),
    (lambda b, x: b.add(x, x, 0.0, 0), QuantizationError, "scale: expected finite and > 0, got 0"),
    (lambda b, x: b.unary("relu", x, 0.0, 0), QuantizationError, "scale: expected finite and > 0, got 0"),
    (lambda b, x: b.mean(x, (1,), 0.0, 0), QuantizationError, "scale: expected finite and > 0, got 0"),
    (lambda b, x: b.softmax(x, np.nan), QuantizationError, "scale: expected finite and > 0, got nan"),
    (lambda b, x: b.mul(x, x, -1.0, 0, activation="relu"), QuantizationError, "scale: expected finite and > 0"),
    (lambda b, x: b.conv2d(x, int8(1, 1, 1, 2), 1.0, None, 0.0, 0), QuantizationError, r"scale\[0\]"),
    (lambda b, x: b.quantize(b.dequantize(x), 0.0, 0), QuantizationError, "scale: expected a positive"),
    (lambda b, x: b.add(x, b.dequantize(x), 1.0, 0), DTypeError, "expected int8 with scale"),
    (lambda b, x: b.mul(x, b.input("y", (3,), 1.0, 0), 1.0, 0), ShapeError, "mul: expected shapes that broadcast"),
    (lambda b, x: b.conv2d(x, int8(3, 3, 2), 1.0, None, 1.0, 0), ShapeError, "conv2d weights: rank: expected 4"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 3), 1.0, None, 1.0, 0), ShapeError, r"expected \[8, 3, 3, 2\]"),
    (lambda b, x: b.conv2d(x, int8(8, 5, 5, 2), 1.0, None, 1.0, 0), ShapeError, r"room for a \(5, 5\) window"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), [1.0, 2.0], None, 1.0, 0), QuantizationError, "1 or 8 values"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), None, None, 1.0, 0), QuantizationError, "got neither"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), np.nan, None, 1.0, 0), QuantizationError, r"scale\[0\]"),
    (
        lambda b, x: b.conv2d(x, np.zeros((8, 3, 3, 2)), 1.0, None, 1.0, 0),
        DTypeError,
        "conv2d_0/weight': dtype: expected int8",
    ),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), 1.0, [0.5] * 8, 1.0, 0), DTypeError, "bias: expected integers"),
    (lambda b, x: b.conv2d(x, int8(1, 3, 3, 2), 1.0, [2**31], 1.0, 0), DTypeError, "fit int32"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), 1.0, [1, 2], 1.0, 0), ShapeError, r"expected \[8\], got \[2\]"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), 1.0, None, 1.0, 200), QuantizationError, "zero point"),
    (lambda b, x: b.conv2d(x, int8(8, 3, 3, 2), 1.0, None, 1.0, 0, padding="full"), ShapeError, "got 'full'"),
    (lambda b, x: b.depthwise_conv2d(x, int8(3, 3, 3), 1.0, None, 1.0, 0), ShapeError, "a multiple of 2, got 3"),
    (lambda b, x: b.reshape(x, (5, -1)), ShapeError, "divide 32"),
    (lambda b, x: b.reshape(x, (5,)), ShapeError, "32 elements"),
    (lambda b, x: b.squeeze(x, [1]), ShapeError, "axes of size 1"),
    (lambda b, x: b.transpose(x, (0, 1, 2)), GraphError, "permutation"),
    (lambda b, x: b.transpose(x, (0, 1, 2, 4)), ShapeError, "axis: expected -4 to 3, got 4"),
    (lambda b, x: b.split(x, 3, 1), ShapeError, "a divisor of 4, got 3"),
    (lambda b, x: b.split(x, (1, 2), 1), ShapeError, "add up to 4"),
    (lambda b, x: b.slice(x, (0,), (1,)), ShapeError, "expected 4 begins"),
    (lambda b, x: b.slice(x, (0, 3, 0, 0), (1, 2, 4, 2)), ShapeError, "axis 1: expected positions 0 to 3"),
    (lambda b, x: b.concat([], 0), ShapeError, "one input or more"),
    (lambda b, x: b.concat([x, b.input("y", (1, 4, 4, 2), 0.7, 0)], 1), QuantizationError, "quantization of 'x|'y"),
    (lambda b, x: b.maximum(x, b.input("y", (1, 4, 4, 2), 0.5, 1)), QuantizationError, "quantization of 'y'"),
    (lambda b, x: b.broadcast_to(x, (1, 4, 5, 2)), ShapeError, "shapes that broadcast"),
    (lambda b, x: b.depth_to_space(x, 2), ShapeError, "square to divide 2"),
    (lambda b, x: b.resize_nearest(x, (0, 3)), ShapeError, "at least 1"),
    (lambda b, x: b.softmax(x, 2.0**-16), QuantizationError, "output scale"),
    (lambda b, x: b.arg_max(x, 4), ShapeError, "axis: expected -4 to 3, got 4"),
    (lambda b, x: b.mean(x, (4,), 1.0, 0), ShapeError, "axis"),
    (lambda b, x: b.quantize(x, 1.0, 0), DTypeError, "expected float32, got int8"),
]


@pytest.mark.parametrize(("mistake", "error", "message"), MISTAKES)
def test_mistakes_are_named_where_they_are_made(mistake: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        mistake(*builder())

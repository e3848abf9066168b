"""Ops with int32 results, quantization while running, casts and gathers, on every tier."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from float_op_makers import SPECIAL, floats
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

import intaglio
from intaglio.builder import Builder
from intaglio.errors import InputError
from intaglio.opset import FloatBinary


@pytest.mark.parametrize(
    "op", ["integer_conv2d", "integer_matmul", "dynamic_quantize", "cast", "gather", "gather_nd", "integer_binary"]
)
@random_graphs
@given(data=st.data())
def test_random(op: str, isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs(op)), isa)


@pytest.mark.parametrize("zero_point", [-(2**31), -129, 0, 128, 2**31 - 1])
def test_any_zero_point_wraps(zero_point: int, isa: str) -> None:
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.input("x", (1, 7, 7, 33), 1.0, 0)
    zero = b.input("zero", (), dtype="int32")
    b.output(b.integer_conv2d(x, zero, rng.integers(-128, 128, (5, 3, 3, 33)), zero_point, padding="same"))
    inputs = {"x": rng.integers(-128, 128, (1, 7, 7, 33), np.int8), "zero": np.array(zero_point, np.int32)}
    expect_oracle(b.build(), inputs, isa)


@pytest.mark.parametrize("threads", [1, 2])
def test_large_products(threads: int, isa: str) -> None:
    rng = np.random.default_rng(1)
    b = Builder()
    a = b.input("a", (64, 700), 1.0, 0)
    b.output(b.integer_matmul(a, -128, np.full((700, 90), -128), rng.integers(-128, 128, 90)))
    expect_oracle(b.build(), {"a": np.full((64, 700), 127, np.int8)}, isa, threads)


@pytest.mark.parametrize("values", [
    [],
    [0.0, -0.0],
    [np.inf, 1.0],
    [-np.inf, np.inf, 3.0],
    [3e38, -3e38],
    [1e-45, 0.0],
    [-5.0, -3.0],
    [2.0, 7.0],
])  # fmt: skip
def test_dynamic_quantization_of_any_range(values: list[float], isa: str) -> None:
    b = Builder()
    for name in b.dynamic_quantize(b.input("x", (len(values),), dtype="float32")):
        b.output(name)
    expect_oracle(b.build(), {"x": np.array(values, np.float32)}, isa)


def test_dynamic_quantization_of_nan_made_inside(isa: str) -> None:
    """A NaN that is given is refused."""
    b = Builder()
    factors = b.constant(np.array([0, 1, 1], np.float32))
    for name in b.dynamic_quantize(b.float_binary(FloatBinary.MUL, b.input("x", (3,), dtype="float32"), factors)):
        b.output(name)
    expect_oracle(b.build(), {"x": np.array([np.inf, 1, -2], np.float32)}, isa)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "float32"])
def test_cast_of_any_float(dtype: str, isa: str) -> None:
    edges = [s * (2.0**n + d) for s in (1, -1) for n in (7, 23, 31, 63) for d in (-0.5, 0, 0.5)]
    x = np.concatenate([SPECIAL, np.array(edges, np.float32), floats(np.random.default_rng(2), (100,))])
    b = Builder()
    b.output(b.cast(b.input("x", x.shape, dtype="float32"), dtype))
    expect_oracle(b.build(), {"x": x}, isa)


def gathering(dtype: str = "int64") -> Builder:
    b = Builder()
    indices = b.input("indices", (1, 3), dtype=dtype)
    b.output(b.gather(b.constant(np.arange(10, dtype=np.float32)), indices, name="pick"))
    return b


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_gather_counts_from_either_end(dtype: str) -> None:
    model = intaglio.load(gathering(dtype).build())
    np.testing.assert_array_equal(model(np.array([[0, 9, -10]], dtype)), [[0, 9, 0]])
    np.testing.assert_array_equal(model(np.array([[-1, 5, 2]], dtype)), [[9, 5, 2]])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("index", [10, -11, 2**62, -(2**62)])
def test_gather_outside_is_an_error_and_the_model_stays_usable(index: int, threads: int) -> None:
    model = intaglio.load(gathering().build(), threads=threads)
    batch = np.zeros((40, 3), np.int64)
    batch[23, 1] = index
    with pytest.raises(InputError, match=rf"node 'pick' \(gather\): expected indices -10 to 9, got {index}"):
        model(batch)
    np.testing.assert_array_equal(model(np.array([[1, 2, 3]])), [[1, 2, 3]])


def test_gather_nd_outside_names_the_axis() -> None:
    b = Builder()
    indices = b.input("indices", (2, 2), dtype="int32")
    b.output(b.gather_nd(b.constant(np.arange(12, dtype=np.float32).reshape(3, 4)), indices, name="pick"))
    model = intaglio.load(b.build())
    with pytest.raises(InputError, match=r"node 'pick' \(gather_nd\): expected indices -4 to 3, got 4"):
        model.run({"indices": np.array([[2, 3], [0, 4]], np.int32)})
    (picked,) = model.run({"indices": np.array([[2, 3], [-3, 1]], np.int32)}).values()
    assert picked.tolist() == [11, 1]

"""Calling a model: what arrays it takes, what it gives, and what it says about arrays that do not fit."""

from __future__ import annotations

from typing import Any

import networks
import numpy as np
import pytest
from numpy.typing import NDArray

import intaglio
from intaglio.builder import Builder
from intaglio.errors import DTypeError, InputError, ShapeError
from intaglio.opset import FloatUnary


@pytest.fixture(scope="module")
def model() -> intaglio.Model:
    return intaglio.load(networks.small())


@pytest.fixture(scope="module")
def x() -> NDArray[np.int8]:
    return networks.samples(5)


@pytest.fixture(scope="module")
def y(x: NDArray[np.int8]) -> NDArray[Any]:
    return networks.oracle(networks.small(), x)


def test_equals_the_oracle_on_every_tier(isa: str, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    model = intaglio.load(networks.small(), isa=isa)
    assert model.isa == isa
    np.testing.assert_array_equal(model(x), y)
    assert model(x).dtype == np.int8


def test_batches_of_any_size(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    for size in range(6):
        result = model(x[:size])
        assert result.dtype == np.int8
        np.testing.assert_array_equal(result, y[:size], strict=True)
    np.testing.assert_array_equal(model(x[:0].astype(float)), np.empty((0, 5), np.float32), strict=True)


def test_uint8_ports(x: NDArray[np.int8], y: NDArray[Any]) -> None:
    model = intaglio.load(networks.small("uint8"))
    shifted = (x.astype(int) + 128).astype(np.uint8)
    np.testing.assert_array_equal(model(shifted), (y.astype(int) + 128).astype(np.uint8), strict=True)
    assert [(p.dtype, p.zero_point) for p in model.inputs] == [(np.dtype(np.uint8), 131)]
    assert [(p.dtype, p.zero_point) for p in model.outputs] == [(np.dtype(np.uint8), 135)]
    floats = (shifted.astype(np.float32) - 131) * np.float32(0.05)
    np.testing.assert_array_equal(model(floats, raw=True), model(shifted))
    np.testing.assert_array_equal(model(floats), (model(shifted).astype(np.float32) - 135) * np.float32(0.1))


def test_any_memory_layout(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    frozen = x.copy()
    frozen.flags.writeable = False
    padded = np.zeros((5, 10, 9, 12), np.int8)
    padded[:, 1:9, :8, ::3] = x
    odd = np.frombuffer(b"\0" + x.tobytes(), np.int8, offset=1).reshape(x.shape)
    layouts = [frozen, np.asfortranarray(x), padded[:, 1:9, :8, ::3], x[:, ::-1][:, ::-1], odd]
    layouts += [np.moveaxis(np.moveaxis(x, 3, 1).copy(), 1, 3), x.copy().view(np.memmap)]
    for array in layouts:
        np.testing.assert_array_equal(model(array), y)
    np.testing.assert_array_equal(model(x[::-1]), y[::-1])


def test_does_not_write_its_inputs(model: intaglio.Model, x: NDArray[np.int8]) -> None:
    before = x.copy()
    model(x)
    model(x.astype(np.float32))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f4", ">f8"])
def test_floats_are_quantized_and_come_back_as_floats(model: intaglio.Model, dtype: Any) -> None:
    given = np.random.default_rng(3).normal(0, 4, (3, 8, 8, 4)).astype(dtype)
    scaled = np.rint(given.astype(np.float32) / np.float32(0.05)) + 3
    integers = model(np.clip(scaled, -128, 127).astype(np.int8))
    result = model(given)
    np.testing.assert_array_equal(result, (integers - np.float32(7)) * np.float32(0.1), strict=True)
    np.testing.assert_array_equal(model(given, raw=True), integers, strict=True)


def test_quantization_of_ties_infinities_and_huge_values() -> None:
    b = Builder()
    b.output(b.reshape(b.input("x", (1, 16), 0.5, 0), (1, 16)))
    model = intaglio.load(b.build())
    x = [0.25, 0.75, 1.25, -0.25, -0.75, np.inf, -np.inf, 3e38, -3e38, 1e-45, -0.0, 63.5, 63.74, 63.75, -64.25, -64.26]
    expected = [0, 2, 2, 0, -2, 127, -128, 127, -128, 0, 0, 127, 127, 127, -128, -128]
    np.testing.assert_array_equal(model([x], raw=True), [expected])
    huge = np.repeat([1e300, -1e300], 8)[None]
    np.testing.assert_array_equal(model(huge, raw=True), np.repeat(np.int8([127, -128]), 8)[None])


def test_raw_overrides_the_output_side(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    np.testing.assert_array_equal(model(x, raw=False), (y - np.float32(7)) * np.float32(0.1), strict=True)
    np.testing.assert_array_equal(model(x, raw=True), y, strict=True)
    np.testing.assert_array_equal(model.run({"x": x}, raw=False)["y"], model(x, raw=False), strict=True)


def test_lists(model: intaglio.Model, x: NDArray[np.int8]) -> None:
    floats = (x.astype(np.float32) / 10).tolist()
    np.testing.assert_array_equal(model(floats), model(np.array(floats)))
    with pytest.raises(DTypeError, match="int64"):
        model(x.tolist())
    with pytest.raises(ShapeError, match="'x'"):
        model([[1.0, 2.0], [3.0]])


def test_several_inputs_and_outputs() -> None:
    graph = networks.two_in_two_out()
    model = intaglio.load(graph)
    a, b = networks.samples(3, (6,)), networks.samples(4, (6,))[:3]
    total, larger = model(a, b)
    np.testing.assert_array_equal(larger, np.maximum(a, b))
    named = model.run({"b": b, "a": a})
    assert list(named) == ["sum", "larger"]
    np.testing.assert_array_equal(named["sum"], total)
    floats = (a.astype(np.float32) + 3) * np.float32(0.5)
    total_floats, larger_floats = model(floats, b)
    np.testing.assert_array_equal(total_floats, total - np.float32(4), strict=True)
    np.testing.assert_array_equal(larger_floats, (larger + np.float32(3)) * np.float32(0.5), strict=True)
    with pytest.raises(ShapeError, match="'a' has 3, 'b' has 2"):
        model(a, b[:2])


def test_a_fixed_leading_axis_is_not_a_batch() -> None:
    graph = networks.small(leading=2)
    model = intaglio.load(graph)
    x = networks.samples(2)
    np.testing.assert_array_equal(model(x), intaglio.reference.run(graph, {"x": x})["y"])
    for wrong in (x[:1], np.concatenate([x, x]), x[:0]):
        with pytest.raises(ShapeError, match=r"expected shape \(2, 8, 8, 4\), got"):
            model(wrong)


def test_wrong_shapes_are_named(model: intaglio.Model, x: NDArray[np.int8]) -> None:
    for wrong in (x[0], x[..., :3], x[:, :7], x[None], np.int8(0)):
        with pytest.raises(ShapeError, match=r"input 'x': expected shape \(N, 8, 8, 4\), got \("):
            model(wrong)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "bool", "complex64", "object", "U1", "M8[s]"])
def test_wrong_dtypes_are_named(model: intaglio.Model, dtype: str) -> None:
    with pytest.raises(DTypeError, match="input 'x': expected int8, or floats to be quantized, got "):
        model(np.zeros(networks.SAMPLE, dtype))


def test_other_element_types() -> None:
    b = Builder()
    b.output(b.transpose(b.input("x", (2, 3), dtype="int32"), (1, 0)))
    b.output(b.quantize(b.input("f", (4,), dtype="float32"), 0.5, 1))
    model = intaglio.load(b.build())
    integers, floats = np.arange(6, dtype=np.int32).reshape(2, 3), np.array([0, 0.5, 1e9, -1e9])
    for given in (integers, integers.astype(">i4")):
        moved, quantized = model(given, floats)
        np.testing.assert_array_equal(moved, integers.T)
        np.testing.assert_array_equal(quantized, np.array([1, 2, 127, -128], np.int8), strict=True)
    for wrong in (integers.astype(np.int64), integers.astype(float)):
        with pytest.raises(DTypeError, match="input 'x': expected int32, got"):
            model(wrong, floats)
    with pytest.raises(DTypeError, match="input 'f': expected float32, got int32"):
        model(integers, np.zeros(4, np.int32))


def test_nan_is_named(model: intaglio.Model) -> None:
    x = np.zeros((2, 8, 8, 4))
    x[1, 2, 3, 0] = np.nan
    with pytest.raises(InputError, match=r"input 'x': NaN at \(1, 2, 3, 0\)"):
        model(x)


def test_nan_is_named_where_the_network_itself_rounds() -> None:
    b = intaglio.Builder()
    b.output(b.quantize(b.input("f", (1, 3000), dtype="float32"), 0.5, 1))
    model = intaglio.load(b.build())
    x = np.zeros((2, 3000), np.float32)
    x[1, 2999] = np.nan
    with pytest.raises(InputError, match=r"input 'f': NaN at \(1, 2999\)"):
        model(x)
    with pytest.raises(InputError, match="NaN"):
        model.run({"f": x})
    np.testing.assert_array_equal(model(np.full((1, 3000), -np.inf, np.float32)), np.full((1, 3000), -128))


def test_nan_goes_through_a_float_network() -> None:
    b = intaglio.Builder()
    b.output(b.float_unary(FloatUnary.NEG, b.input("f", (1, 2), dtype="float32")))
    result = intaglio.load(b.build())(np.array([[np.nan, 2]], np.float32))
    np.testing.assert_array_equal(result, [[np.nan, -2]])


@pytest.mark.parametrize("given", [None, "x.npy", {"x": 1}])
def test_what_is_no_array(model: intaglio.Model, given: object) -> None:
    with pytest.raises(DTypeError, match=f"input 'x': expected an array of numbers, got {type(given).__name__}"):
        model(given)


def test_names_and_counts(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    with pytest.raises(InputError, match=r"expected 1 inputs \('x'\), got 0"):
        model()
    with pytest.raises(InputError, match="got 2"):
        model(x, x)
    with pytest.raises(InputError, match="missing 'x'; unknown 'X'"):
        model.run({"X": x})
    with pytest.raises(InputError, match="unknown 'more'"):
        model.run({"x": x, "more": x})
    with pytest.raises(TypeError, match="dict"):
        model.run(x)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        model(x, rwa=True)  # type: ignore[call-arg]
    np.testing.assert_array_equal(model(x), y)  # errors leave the model usable


def test_outputs_are_new_arrays(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    first = model(x)
    model(x[::-1])
    np.testing.assert_array_equal(first, y)
    assert first.flags.owndata and first.flags.writeable and first.flags.c_contiguous


def test_out_takes_the_results(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    out = np.full_like(y, 99)
    assert model(x, out=out) is out
    np.testing.assert_array_equal(out, y)
    for size in range(6):
        part = np.full_like(y, 99)
        assert np.shares_memory(model(x[:size], out=part[:size]), part) == (size > 0)
        np.testing.assert_array_equal(part, np.concatenate([y[:size], np.full_like(y[size:], 99)]))
    named = model.run({"x": x}, out={"y": (out := np.zeros_like(y))})
    assert named["y"] is out
    np.testing.assert_array_equal(out, y)
    np.testing.assert_array_equal(model(x, out=None), y)


def test_out_of_converted_arrays(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    floats = x.astype(np.float32)
    expected = model(floats)
    out = np.zeros_like(expected)
    assert model(floats, out=out) is out
    np.testing.assert_array_equal(out, expected, strict=True)
    integers = np.zeros_like(y)
    assert model(floats, raw=True, out=integers) is integers
    np.testing.assert_array_equal(integers, model(floats, raw=True))
    assert model(x, raw=False, out=out) is out
    np.testing.assert_array_equal(out, model(x, raw=False))
    assert model(x[::-1], out=integers) is integers
    np.testing.assert_array_equal(integers, y[::-1])


def test_out_of_several_outputs() -> None:
    model = intaglio.load(networks.two_in_two_out())
    a, b = networks.samples(3, (6,)), networks.samples(4, (6,))[:3]
    expected = model(a, b)
    out = tuple(np.zeros_like(array) for array in expected)
    assert model(a, b, out=out) is out
    for array, want in zip(out, expected, strict=True):
        np.testing.assert_array_equal(array, want, strict=True)
    named = model.run({"a": a, "b": b}, out={"larger": out[1], "sum": out[0]})
    assert named["sum"] is out[0]
    assert named["larger"] is out[1]
    with pytest.raises(InputError, match="expected 2 arrays, got 1"):
        model(a, b, out=out[0])
    with pytest.raises(InputError, match="'larger': shares memory"):
        model(a, b, out=(out[0], out[0]))
    with pytest.raises(InputError, match="missing 'larger'"):
        model.run({"a": a, "b": b}, out={"sum": out[0]})


def test_out_that_does_not_fit(model: intaglio.Model, x: NDArray[np.int8], y: NDArray[Any]) -> None:
    frozen = y.copy()
    frozen.flags.writeable = False
    wrong: list[tuple[Any, type[Exception], str]] = [
        (np.zeros(y.shape, np.float32), DTypeError, "'y': expected int8, got float32"),
        (np.zeros(y.shape, np.uint8), DTypeError, "expected int8, got uint8"),
        (np.zeros((4, 5), np.int8), ShapeError, r"expected shape \(5, 5\), got \(4, 5\)"),
        (np.zeros((5, 10), np.int8)[:, ::2], InputError, "C-contiguous"),
        (np.asfortranarray(np.zeros_like(y)), InputError, "C-contiguous"),
        (frozen, InputError, "can be written to"),
        (y.tolist(), InputError, "expected an array, got list"),
        ((), InputError, "expected 1 arrays, got 0"),
    ]
    for out, error, message in wrong:
        with pytest.raises(error, match=message):
            model(x, out=out)
    with pytest.raises(DTypeError, match="expected float32, got int8"):
        model(x, raw=False, out=np.zeros_like(y))
    shared = x.copy()
    with pytest.raises(InputError, match="shares memory"):
        model(shared, out=shared.reshape(-1)[: y.size].reshape(y.shape))
    np.testing.assert_array_equal(shared, x)

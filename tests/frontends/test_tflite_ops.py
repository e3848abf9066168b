"""Every op the frontend reads, one at a time, against TFLite's reference kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tflite", reason="needs the extra tflite")
interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

import op_cases_compute  # noqa: E402, F401
import op_cases_movement  # noqa: E402, F401
from op_cases import CASES, INT8_ONLY  # noqa: E402
from op_cases_unary import WITHOUT_KERNEL, unary  # noqa: E402
from tflite_writer import Writer  # noqa: E402

from intaglio import reference  # noqa: E402
from intaglio.conversion import convert  # noqa: E402
from intaglio.frontends.tflite import load  # noqa: E402
from intaglio.frontends.tflite.lower import LOWERINGS  # noqa: E402
from intaglio.graph import Graph  # noqa: E402
from intaglio.opset import Requant  # noqa: E402
from intaglio.passes import remove_dead  # noqa: E402

Array = NDArray[Any]
#: Ops with tests of their own.
ELSEWHERE = {"CUSTOM 'TFLite_Detection_PostProcess'", "CAST", "GATHER", "GATHER_ND", "UNIDIRECTIONAL_SEQUENCE_LSTM"}
PARAMETERS = [(name, "int8") for name in CASES] + [(name, "uint8") for name in CASES if name not in INT8_ONLY]


def network(name: str, dtype: str, seed: int) -> tuple[bytes, list[Array]]:
    """The file of a case and values for its inputs: all 256 where one value decides, else random."""
    rng = np.random.default_rng([seed, *name.encode()])
    net = Writer(dtype)
    outputs = CASES[name](net, rng)
    values: list[Array] = []
    for index in net.inputs:
        tensor = net.tensors[index]
        if tensor.dtype == "float32":
            values.append(rng.normal(0, 8, tensor.shape).astype(np.float32))
        elif tensor.shape == (256,):
            values.append(np.arange(256, dtype=np.uint8).view(tensor.dtype))
        else:
            values.append(rng.integers(0, 256, tensor.shape).astype(np.uint8).view(tensor.dtype))
    return net.bytes(outputs), values


def run_litert(data: bytes, values: list[Array], op: str = "") -> list[Array]:
    """TFLite's reference kernels; the only kernel there is for ops that they leave out."""
    types = interpreter.OpResolverType
    kernels = types.BUILTIN_WITHOUT_DEFAULT_DELEGATES if op == "ELU" else types.BUILTIN_REF
    litert = interpreter.Interpreter(model_content=data, experimental_op_resolver_type=kernels)
    litert.allocate_tensors()
    for detail, value in zip(litert.get_input_details(), values, strict=True):
        litert.set_tensor(detail["index"], value)
    litert.invoke()
    return [litert.get_tensor(detail["index"]) for detail in litert.get_output_details()]


def run_oracle(graph: Graph, values: list[Array]) -> list[Array]:
    graph.validate()
    inputs = {port.tensor: value for port, value in zip(graph.inputs, values, strict=True)}
    results = reference.run(graph, inputs)
    return [results[port.tensor] for port in graph.outputs]


@pytest.mark.parametrize(("name", "dtype"), PARAMETERS)
def test_fixed_equals_reference_kernels(name: str, dtype: str) -> None:
    for seed in range(3):
        data, values = network(name, dtype, seed)
        results = run_oracle(convert(data, requant="fixed"), values)
        for result, expected in zip(results, run_litert(data, values, name), strict=True):
            assert result.dtype == expected.dtype
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("name", "dtype"), PARAMETERS)
def test_float32_is_within_one_step(name: str, dtype: str) -> None:
    data, values = network(name, dtype, 0)
    for result, expected in zip(run_oracle(convert(data), values), run_litert(data, values, name), strict=True):
        if expected.dtype.kind == "f":
            np.testing.assert_array_equal(result, expected)
        else:
            assert np.abs(result.astype(np.int64) - expected.astype(np.int64)).max() <= 1


@pytest.mark.parametrize(("name", "dtype"), PARAMETERS)
def test_passes_keep_every_bit(name: str, dtype: str) -> None:
    data, values = network(name, dtype, 0)
    simplified = run_oracle(convert(data), values)
    for result, expected in zip(simplified, run_oracle(remove_dead(load(data, Requant.FLOAT32)), values), strict=True):
        np.testing.assert_array_equal(result, expected)


def test_every_lowering_has_a_case() -> None:
    tested = {name.split()[0] for name in CASES} | set(WITHOUT_KERNEL) | {"NEG"} | ELSEWHERE
    assert tested == set(LOWERINGS)


@pytest.mark.parametrize("requant", ["float32", "fixed"])
@pytest.mark.parametrize("op", WITHOUT_KERNEL)
def test_functions_without_kernel_are_rounded_once(op: str, requant: str) -> None:
    function = {"SQUARE": np.square, "SIN": np.sin, "COS": np.cos, "FLOOR": np.floor, "CEIL": np.ceil, "ROUND": np.rint}
    net = Writer()
    data = net.bytes(unary(op, (0.05, 3), (0.04, -7), net))
    q = np.arange(-128, 128)
    (result,) = run_oracle(convert(data, requant=requant), [q.astype(np.int8)])
    real = function[op](float(np.float32(0.05)) * (q - 3)) / float(np.float32(0.04))
    np.testing.assert_array_equal(result, np.clip(np.rint(real) - 7, -128, 127))


@pytest.mark.parametrize("requant", ["float32", "fixed"])
def test_negation_saturates(requant: str) -> None:
    """TFLite negates the bytes, so that -128 stays -128; everything else is equal."""
    net = Writer()
    data = net.bytes(unary("NEG", (0.05, 0), (0.05, 0), net))
    q = np.arange(-128, 128).astype(np.int8)
    (result,) = run_oracle(convert(data, requant=requant), [q])
    (expected,) = run_litert(data, [q])
    np.testing.assert_array_equal(result[1:], expected[1:])
    assert result[0] == 127

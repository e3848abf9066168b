"""The reader of .tflite files against the packages tflite and flatbuffers: every field of every tensor and operator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from int8_networks import NETWORKS

pytest.importorskip("tflite", reason="needs the packages tflite and flatbuffers")

import op_cases_compute  # noqa: F401
import op_cases_movement  # noqa: F401
import op_cases_unary  # noqa: F401
import tflite
from op_cases import CASES, INT8_ONLY
from tflite_writer import Writer

from intaglio.frontends.tflite import schema
from intaglio.frontends.tflite.model import Operator, SourceTensor, parse

#: Options whose names are not the package's in another case.
_NAMES = {
    "activation": "FusedActivationFunction",
    "dilation_w": "DilationWFactor",
    "dilation_h": "DilationHFactor",
    "filter_w": "FilterWidth",
    "filter_h": "FilterHeight",
}
_NAMES_BY_OP = {("CAST", "output_type"): "OutDataType", ("SHAPE", "output_type"): "OutType"}


def written(name: str, dtype: str) -> bytes:
    net = Writer(dtype)
    return net.bytes(CASES[name](net, np.random.default_rng(list(name.encode()))))


def expect_agreement(data: bytes) -> None:
    model, theirs = parse(data), tflite.Model.GetRootAsModel(data, 0)
    graph = theirs.Subgraphs(0)
    assert model.description == (theirs.Description() or b"").decode()
    assert model.inputs == tuple(graph.InputsAsNumpy())
    assert model.outputs == tuple(graph.OutputsAsNumpy())
    assert len(model.tensors) == graph.TensorsLength()
    assert len(model.operators) == graph.OperatorsLength()
    for operator in model.operators:
        expect_operator(operator, theirs, graph.Operators(operator.position))
    computed = {index for operator in model.operators for index in operator.outputs}.union(model.inputs)
    for tensor in model.tensors:
        expect_tensor(tensor, theirs, graph.Tensors(tensor.position), tensor.position not in computed)


def expect_tensor(tensor: SourceTensor, model: Any, theirs: Any, constant: bool) -> None:
    assert tensor.name == theirs.Name().decode()
    assert tensor.shape == tuple(theirs.Shape(i) for i in range(theirs.ShapeLength()))
    assert schema.TYPE_NAMES.index(tensor.type) == theirs.Type()
    assert tensor.sparse == (theirs.Sparsity() is not None)
    quantization = theirs.Quantization()
    scales = [] if quantization is None else [quantization.Scale(i) for i in range(quantization.ScaleLength())]
    assert tensor.scale.tolist() == scales
    if scales:
        assert tensor.zero_point.tolist() == [quantization.ZeroPoint(i) for i in range(quantization.ZeroPointLength())]
        assert tensor.quantized_dimension == quantization.QuantizedDimension()
    buffer = model.Buffers(theirs.Buffer())
    if constant and buffer.DataLength():
        assert tensor.data is not None
        assert tensor.data.tobytes() == buffer.DataAsNumpy().tobytes()
    else:
        assert tensor.data is None or tensor.data.size == 0


def expect_operator(operator: Operator, model: Any, theirs: Any) -> None:
    code = model.OperatorCodes(theirs.OpcodeIndex())
    assert schema.OP_NAMES.index(operator.op) == max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    assert operator.inputs == tuple(theirs.Inputs(i) for i in range(theirs.InputsLength()))
    assert operator.outputs == tuple(theirs.Outputs(i) for i in range(theirs.OutputsLength()))
    union = theirs.BuiltinOptions()
    if union is None:
        return
    kinds = {code: name for name, code in vars(tflite.BuiltinOptions).items() if isinstance(code, int)}
    options = getattr(tflite, kinds[theirs.BuiltinOptionsType()])()
    options.Init(union.Bytes, union.Pos)
    for name, value in operator.options.items():
        camel = _NAMES.get(name, "".join(part.capitalize() for part in name.split("_")))
        accessor = _NAMES_BY_OP.get((operator.op, name), camel)
        if isinstance(value, tuple):
            count = getattr(options, f"{accessor}Length")()
            assert value == tuple(getattr(options, accessor)(i) for i in range(count))
        else:
            assert value == getattr(options, accessor)(), (operator.op, name)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, data: Path) -> None:
    expect_agreement((data / "models" / f"{name}.tflite").read_bytes())


@pytest.mark.parametrize("name", CASES)
def test_operators(name: str) -> None:
    for dtype in ("int8",) if name in INT8_ONLY else ("int8", "uint8"):
        expect_agreement(written(name, dtype))


def test_every_option_is_compared() -> None:
    """But for those of ops without integers, computed at conversion, or tested elsewhere."""
    compared = {operator.op for name in CASES for operator in parse(written(name, "int8")).operators}
    elsewhere = {"DIV", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SHAPE"}
    tested_alone = {"CAST", "GATHER", "UNIDIRECTIONAL_SEQUENCE_LSTM"}
    assert schema.OPTIONS.keys() - compared <= elsewhere | tested_alone

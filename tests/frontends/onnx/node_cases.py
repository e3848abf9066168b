"""ONNX's own test cases of single operators, run through the frontend and the oracle.

Run as a program it prints, for each operator, how many of its cases pass, and why the others are left out.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from intaglio import reference
from intaglio.conversion import convert

Array = NDArray[Any]

QUANTIZATION = (
    *("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"),
    "DynamicQuantizeLinear",
)
OPS = (
    *QUANTIZATION,
    *("Conv", "ConvTranspose", "MatMul", "Gemm", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"),
    *("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow", "Abs", "Neg", "Sign", "Exp", "Log", "Sqrt"),
    *("Reciprocal", "Floor", "Ceil", "Round", "Sin", "Cos", "Erf"),
    *("Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Tanh", "Gelu"),
    "Softplus",
    *("BatchNormalization", "InstanceNormalization", "LayerNormalization", "Dropout", "Softmax", "LogSoftmax"),
    *("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ArgMax", "ArgMin", "Resize", "Upsample"),
    *("DepthToSpace", "SpaceToDepth"),
    *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile", "Concat", "Split", "Slice"),
    *("Pad", "Gather", "Cast", "Identity", "Shape", "Size"),
)
_ONE_COMPUTED = (
    *("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "Conv", "ConvTranspose", "Clip", "PRelu"),
    *("BatchNormalization", "Dropout", "InstanceNormalization", "LayerNormalization", "ReduceMean", "ReduceSum"),
    *("ReduceMax", "ReduceMin", "Resize", "Upsample", "Reshape", "Squeeze", "Unsqueeze", "Expand", "Tile", "Split"),
    *("Slice", "Pad"),
)
#: Positions of the inputs that a network computes; the others are constants, as exporters write them. Every one of
#: the operators that are not listed.
_COMPUTED = {**{op: (0,) for op in _ONE_COMPUTED}, "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3)}
_ARITHMETIC = (
    *("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow", "Clip", "Abs", "Neg", "Sign", "MatMul", "Gemm"),
    *("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"),
)


@dataclass(frozen=True, eq=False)
class Case:
    """A network of one operator, inputs for it, and what it has to give."""

    name: str
    model: Any
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    rtol: float
    atol: float

    @property
    def node(self) -> Any:
        return self.model.graph.node[0]

    @property
    def op(self) -> str:
        return str(self.node.op_type)

    @property
    def attributes(self) -> dict[str, Any]:
        return {a.name: onnx.helper.get_attribute_value(a) for a in self.node.attribute}

    @property
    def computed(self) -> dict[str, Any]:
        """The inputs that the network computes."""
        wanted = _COMPUTED.get(self.op, range(len(self.node.input)))
        names = {name for i, name in enumerate(self.node.input) if i in wanted}
        return {name: value for name, value in self.inputs.items() if name in names}

    @property
    def dtypes(self) -> set[str]:
        """Element types of what goes in and comes out while the network runs."""
        names = {*self.computed, *self.outputs}
        kinds = {
            info.type.tensor_type.elem_type
            for info in (*self.model.graph.input, *self.model.graph.output)
            if info.name in names
        }
        return {onnx.TensorProto.DataType.Name(kind) for kind in kinds}

    def with_constants(self) -> bytes:
        """The file, with the inputs that no network computes as constants."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        kept = [info for info in model.graph.input if info.name in self.computed]
        for name in self.inputs.keys() - self.computed.keys():
            value = self.inputs[name]
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value if isinstance(value, onnx.TensorProto) else onnx.numpy_helper.from_array(value))
            tensor.name = name
            model.graph.initializer.append(tensor)
        del model.graph.input[:]
        model.graph.input.extend(kept)
        return bytes(model.SerializeToString())


def _is_training(case: Case) -> bool:
    if case.op == "Dropout" and len(case.node.input) > 2:
        ratio, training = (case.inputs[name] for name in case.node.input[1:])
        return bool(training and ratio)
    return bool(case.attributes.get("training_mode", 0))


def _has_fraction_of_pixel(case: Case) -> bool:
    scales = case.inputs.get(case.node.input[2]) if case.op == "Resize" and len(case.node.input) > 2 else None
    aligned = case.attributes.get("coordinate_transformation_mode") == b"align_corners"
    return aligned and scales is not None and bool((scales * case.inputs[case.node.input[0]].shape % 1).any())


def _is_odd_resize(case: Case) -> bool:
    modes = {value for value in case.attributes.values() if isinstance(value, bytes)}
    odd = modes & {b"cubic", b"tf_crop_and_resize", b"not_larger", b"not_smaller"}
    return case.op == "Resize" and (bool(odd) or "antialias" in case.attributes)


#: What is left out: the frontend refuses such operators.
RULES: dict[str, Callable[[Case], bool]] = {
    "sequences and optional values": lambda c: any(
        not info.type.HasField("tensor_type") for info in (*c.model.graph.input, *c.model.graph.output)
    ),
    "an element type other than float32, int8, uint8, int32 and int64 while the network runs": lambda c: (
        not c.dtypes <= {"FLOAT", "INT8", "UINT8", "INT32", "INT64"}
    ),
    "arithmetic on integers that are no quantized numbers": lambda c: (
        c.op in _ARITHMETIC and any(value.dtype.kind in "iu" for value in c.computed.values())
    ),
    "tensors without elements": lambda c: any(0 in value.shape for value in c.computed.values()),
    "windows over three axes": lambda c: (
        c.op in ("Conv", "ConvTranspose", "MaxPool", "AveragePool") and next(iter(c.computed.values())).ndim > 4
    ),
    "pooling with gaps in the window": lambda c: (
        c.op in ("MaxPool", "AveragePool") and any(gap != 1 for gap in c.attributes.get("dilations", ()))
    ),
    "training": _is_training,
    "statistics and positions as further results": lambda c: (
        c.op in ("LayerNormalization", "MaxPool", "Dropout") and len(c.node.output) > 1
    ),
    "cubic, antialiased, cropping or proportional resizing": _is_odd_resize,
}
#: What is computed as ONNX Runtime does, where ONNX's own reference differs.
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "aligned corners of a size that is rounded: counted from the rounded one": _has_fraction_of_pixel,
}


def rule(case: Case) -> str | None:
    """Why a case is left out, if it is."""
    return next((reason for reason, holds in {**RULES, **DIFFERENCES}.items() if holds(case)), None)


@cache
def all_cases() -> dict[str, list[Case]]:
    """The cases of each operator of `OPS`; those of operators that others are made of belong to the others."""
    from onnx.backend.test.case.node import collect_testcases

    cases: dict[str, list[Case]] = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for entry in collect_testcases(None):
            graph = entry.model.graph
            if len(graph.node) == 1 and graph.node[0].op_type in OPS and graph.node[0].domain in ("", "ai.onnx"):
                inputs, outputs = entry.data_sets[0]
                case = Case(
                    entry.name,
                    entry.model,
                    dict(zip((info.name for info in graph.input), inputs, strict=True)),
                    dict(zip((info.name for info in graph.output), outputs, strict=True)),
                    entry.rtol,
                    entry.atol,
                )
                cases[case.op].append(case)
    return cases


def run(case: Case) -> None:
    """Raises unless the oracle gives what ONNX's reference gives; integers to the last bit."""
    graph = convert(case.with_constants())
    graph.validate()
    results = reference.run(graph, {name: np.asarray(value) for name, value in case.computed.items()})
    for name, value in case.outputs.items():
        expected, result = np.asarray(value), results[name]
        assert (result.dtype, result.shape) == (expected.dtype, expected.shape), case.name
        exact = expected.dtype.kind != "f"
        np.testing.assert_allclose(
            result, expected, rtol=0 if exact else case.rtol, atol=0 if exact else case.atol, err_msg=case.name
        )


def main() -> None:
    total, passed, reasons = 0, 0, Counter[str]()
    for op in OPS:
        cases = all_cases()[op]
        left_out = [reason for case in cases if (reason := rule(case)) is not None]
        for case in cases:
            if rule(case) is None:
                run(case)
        total, passed = total + len(cases), passed + len(cases) - len(left_out)
        reasons.update(left_out)
        print(f"{op:24} {len(cases) - len(left_out):4} of {len(cases)}")
    print(f"{'all':24} {passed:4} of {total}; left out:")
    for reason, count in reasons.most_common():
        print(f"{count:5}  {reason}")


if __name__ == "__main__":
    main()

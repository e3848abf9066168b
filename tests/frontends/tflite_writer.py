"""Writes small .tflite files for tests, through the schema's generated builders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite
from flatbuffers import flexbuffers
from numpy.typing import ArrayLike, NDArray

_TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "int32": tflite.TensorType.INT32,
    "uint8": tflite.TensorType.UINT8,
    "int64": tflite.TensorType.INT64,
    "bool": tflite.TensorType.BOOL,
    "int16": tflite.TensorType.INT16,
    "int8": tflite.TensorType.INT8,
}


@dataclass
class _Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: list[float]
    zero_point: list[int]
    axis: int
    data: NDArray[Any] | None
    variable: bool = False


@dataclass
class _Operator:
    op: str
    inputs: list[int]
    outputs: list[int]
    table: str
    options: dict[str, Any]
    intermediates: Sequence[int] = ()


@dataclass
class Writer:
    """A network under construction; tensors are known by their index."""

    dtype: str = "int8"
    tensors: list[_Tensor] = field(default_factory=list)
    operators: list[_Operator] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)

    def tensor(
        self,
        shape: Sequence[int],
        scale: ArrayLike = (),
        zero_point: ArrayLike = 0,
        *,
        dtype: str | None = None,
        axis: int = 0,
        data: NDArray[Any] | None = None,
        name: str | None = None,
        variable: bool = False,
    ) -> int:
        """A tensor with the given int8 zero point; uint8 tensors get 128 more."""
        dtype = dtype or self.dtype
        scales = [float(s) for s in np.atleast_1d(scale)]
        offset = 128 if dtype == "uint8" else 0
        zero_points = [int(z) + offset for z in np.atleast_1d(zero_point)] if scales else []
        name = f"t{len(self.tensors)}" if name is None else name
        self.tensors.append(_Tensor(name, tuple(shape), dtype, scales, zero_points, axis, data, variable))
        return len(self.tensors) - 1

    def input(self, shape: Sequence[int], scale: ArrayLike = (), zero_point: ArrayLike = 0, **more: Any) -> int:
        index = self.tensor(shape, scale, zero_point, **more)
        self.inputs.append(index)
        return index

    def constant(self, data: ArrayLike, scale: ArrayLike = (), zero_point: ArrayLike = 0, **more: Any) -> int:
        """Integers of a quantized constant are given as int8 and stored in the network's element type."""
        array = np.asarray(data)
        if array.dtype == np.int8 and self.dtype == "uint8":
            array = (array.astype(np.int16) + 128).astype(np.uint8)
        return self.tensor(array.shape, scale, zero_point, dtype=array.dtype.name, data=array, **more)

    def operator(
        self,
        op: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        table: str = "",
        intermediates: Sequence[int] = (),
        **options: Any,
    ) -> None:
        """``table`` is the schema's name of the options, whose fields have the schema's names too.

        A custom operator has none; its options become a FlexBuffer.
        """
        self.operators.append(_Operator(op, list(inputs), list(outputs), table, options, intermediates))

    def bytes(self, outputs: Sequence[int], subgraphs: int = 1) -> bytes:
        """The file."""
        builder = flatbuffers.Builder(1024)
        codes = list(dict.fromkeys(operator.op for operator in self.operators))
        buffers = [self._buffer(builder, None), *(self._buffer(builder, tensor.data) for tensor in self.tensors)]
        tensors = [self._tensor(builder, i) for i in range(len(self.tensors))]
        operators = [self._operator(builder, operator, codes) for operator in self.operators]
        graph = _table(
            builder,
            "SubGraph",
            Tensors=_offsets(builder, tensors),
            Inputs=_int32s(builder, self.inputs),
            Outputs=_int32s(builder, outputs),
            Operators=_offsets(builder, operators),
        )
        model = _table(
            builder,
            "Model",
            Version=3,
            OperatorCodes=_offsets(builder, [self._code(builder, op) for op in codes]),
            Subgraphs=_offsets(builder, [graph] * subgraphs),
            Buffers=_offsets(builder, buffers),
        )
        builder.Finish(model, b"TFL3")
        return bytes(builder.Output())

    def _buffer(self, builder: Any, data: NDArray[Any] | None) -> int:
        if data is None:
            return _table(builder, "Buffer")
        raw = np.ascontiguousarray(data).tobytes()
        builder.StartVector(1, len(raw), 16)
        builder.head -= len(raw)
        builder.Bytes[builder.head : builder.head + len(raw)] = raw
        return _table(builder, "Buffer", Data=builder.EndVector())

    def _tensor(self, builder: Any, index: int) -> int:
        tensor = self.tensors[index]
        fields: dict[str, Any] = {
            "Shape": _int32s(builder, tensor.shape),
            "Type": _TYPES[tensor.dtype],
            "Buffer": index + 1,
            "Name": builder.CreateString(tensor.name),
        }
        if tensor.variable:
            fields["IsVariable"] = True
        if tensor.scale:
            scale = _vector(builder, tensor.scale, 4, builder.PrependFloat32)
            zero_point = _vector(builder, tensor.zero_point, 8, builder.PrependInt64)
            fields["Quantization"] = _table(
                builder, "QuantizationParameters", Scale=scale, ZeroPoint=zero_point, QuantizedDimension=tensor.axis
            )
        return _table(builder, "Tensor", **fields)

    def _operator(self, builder: Any, operator: _Operator, codes: list[str]) -> int:
        fields: dict[str, Any] = {
            "OpcodeIndex": codes.index(operator.op),
            "Inputs": _int32s(builder, operator.inputs),
            "Outputs": _int32s(builder, operator.outputs),
        }
        if operator.intermediates:
            fields["Intermediates"] = _int32s(builder, operator.intermediates)
        if operator.table:
            options = {
                name: _int32s(builder, value) if isinstance(value, list | tuple) else value
                for name, value in operator.options.items()
            }
            fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, operator.table)
            fields["BuiltinOptions"] = _table(builder, operator.table, **options)
        elif operator.options:
            fields["CustomOptions"] = builder.CreateByteVector(bytes(flexbuffers.Dumps(operator.options)))
        return _table(builder, "Operator", **fields)

    def _code(self, builder: Any, op: str) -> int:
        code = getattr(tflite.BuiltinOperator, op, tflite.BuiltinOperator.CUSTOM)
        # The first version of this one was never released.
        version = 2 if op == "BROADCAST_TO" else 1
        fields: dict[str, Any] = {"DeprecatedBuiltinCode": min(code, 127), "BuiltinCode": code, "Version": version}
        if code == tflite.BuiltinOperator.CUSTOM:
            fields["CustomCode"] = builder.CreateString(op)
        return _table(builder, "OperatorCode", **fields)


def _table(builder: Any, name: str, **fields: Any) -> int:
    """A table by its generated builder functions."""
    getattr(tflite, f"{name}Start")(builder)
    for field_name, value in fields.items():
        getattr(tflite, f"{name}Add{field_name}")(builder, value)
    offset: int = getattr(tflite, f"{name}End")(builder)
    return offset


def _vector(builder: Any, values: Sequence[Any], item_size: int, prepend: Callable[[Any], None]) -> int:
    builder.StartVector(item_size, len(values), item_size)
    for value in reversed(values):
        prepend(value)
    offset: int = builder.EndVector()
    return offset


def _int32s(builder: Any, values: Sequence[int]) -> int:
    return _vector(builder, [int(v) for v in values], 4, builder.PrependInt32)


def _offsets(builder: Any, values: Sequence[int]) -> int:
    return _vector(builder, values, 4, builder.PrependUOffsetTRelative)

"""What every lowering works with: the graph under construction, and the tensors of the file as graph tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from intaglio.errors import ModelFormatError, UnsupportedOpError
from intaglio.frontends.tflite.model import Model, Operator, SourceTensor
from intaglio.graph import AttrValue, Node, Tensor
from intaglio.opset import Requant

if TYPE_CHECKING:
    from numpy.typing import NDArray

INT8: Final = np.dtype(np.int8)
INT32: Final = np.dtype(np.int32)
FLOAT32: Final = np.dtype(np.float32)

#: Element types of the graph by the file's. uint8 is int8 shifted by 128.
_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "int8": INT8,
    "uint8": INT8,
    "int32": INT32,
    "int64": np.dtype(np.int64),
    "float32": FLOAT32,
}
#: The table that changes nothing.
IDENTITY: Final = np.arange(-128, 128, dtype=np.int8)


class Lowering:
    """The graph as it grows, operator by operator."""

    def __init__(self, model: Model, requant: Requant) -> None:
        self.model = model
        self.requant = requant
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self._lowered: dict[int, Tensor] = {}
        #: Names that are taken, each with the number of the last name made from it. The file's own names come first.
        self._names = {tensor.name: 0 for tensor in model.tensors}

    # Reading the file

    def source(self, op: Operator, i: int) -> SourceTensor:
        """Input ``i`` of an operator as the file has it."""
        if not self.has_input(op, i):
            self.malformed(op, f"it has no input {i}")
        return self.model.tensors[op.inputs[i]]

    def has_input(self, op: Operator, i: int) -> bool:
        return i < len(op.inputs) and op.inputs[i] >= 0

    def source_output(self, op: Operator, i: int = 0) -> SourceTensor:
        if i >= len(op.outputs):
            self.malformed(op, f"it has no output {i}")
        return self.model.tensors[op.outputs[i]]

    def constant_value(self, op: Operator, i: int) -> NDArray[Any] | None:
        """The value of input ``i`` in the graph's element type, None where it is not constant."""
        self.source(op, i)
        return self.value(op.inputs[i], op).data

    def constant(self, op: Operator, i: int, what: str) -> NDArray[Any]:
        """The value of input ``i``, which must be constant."""
        value = self.constant_value(op, i)
        if value is None:
            self.refuse(op, f"its {what} is computed while the network runs; a constant is needed")
        return value

    def integers(self, op: Operator, i: int, what: str) -> list[int]:
        """Input ``i`` as a list of integers; it must be a constant."""
        value = self.constant(op, i, what)
        if value.dtype.kind != "i":
            self.malformed(op, f"its {what} has element type {value.dtype}, expected int32 or int64")
        return [int(v) for v in value.reshape(-1)]

    # Tensors of the graph

    def value(self, index: int, op: Operator | None = None) -> Tensor:
        """Tensor ``index`` of the file as a tensor of the graph; it must be ready."""
        if index in self._lowered:
            return self._lowered[index]
        source = self.model.tensors[index]
        data = source.data
        if source.type not in _TYPES and source.type != "float16":
            self._refuse_type(source, op)
        if source.sparse or data is None:
            where = "" if op is None else f"{self.locate(op)}: "
            if source.sparse:
                raise UnsupportedOpError(f"{where}tensor {source.name!r} is sparse; export with dense weights")
            raise ModelFormatError(f"{where}tensor {source.name!r} is used before anything computes it")
        if source.type == "float16":
            data = data.astype(np.float32)
        elif source.type == "uint8":
            data = (data ^ np.uint8(0x80)).view(np.int8)
        tensor = self._declare(source, source.shape, data.dtype, data)
        self._lowered[index] = tensor
        return tensor

    def input(self, op: Operator, i: int) -> Tensor:
        """Input ``i`` of an operator; any element type."""
        return self.value(self.source(op, i).position, op)

    def quantized(self, op: Operator, i: int) -> Tensor:
        """Input ``i`` of an operator, which must be int8 or uint8 with one scale."""
        tensor = self.input(op, i)
        self._require_quantized(op, tensor, self.source(op, i), "input")
        return tensor

    def output(self, op: Operator, shape: Sequence[int], i: int = 0) -> Tensor:
        """Declares output ``i`` of an operator with the shape that was worked out for it."""
        source = self.source_output(op, i)
        if source.position in self._lowered:
            raise ModelFormatError(f"{self.locate(op)}: tensor {source.name!r} is computed twice")
        if source.type not in _TYPES:
            self._refuse_type(source, op)
        tensor = self._declare(source, tuple(shape), _TYPES[source.type], None)
        self._lowered[source.position] = tensor
        return tensor

    def quantized_output(self, op: Operator, shape: Sequence[int], i: int = 0) -> Tensor:
        """As ``output``; it must be int8 or uint8 with one scale."""
        tensor = self.output(op, shape, i)
        self._require_quantized(op, tensor, self.source_output(op, i), "output")
        return tensor

    def declare_input(self, index: int) -> Tensor:
        """Declares an input of the graph."""
        source = self.model.tensors[index]
        if source.type not in _TYPES:
            self._refuse_type(source, None)
        if index not in self._lowered:
            self._lowered[index] = self._declare(source, source.shape, _TYPES[source.type], None)
        return self._lowered[index]

    def set_constant(self, op: Operator, data: NDArray[Any], i: int = 0) -> None:
        """Gives output ``i`` of an operator a value known now."""
        source = self.source_output(op, i)
        if source.type not in _TYPES:
            self._refuse_type(source, op)
        dtype = _TYPES[source.type]
        if source.position in self._lowered:
            raise ModelFormatError(f"{self.locate(op)}: tensor {source.name!r} is computed twice")
        value = np.ascontiguousarray(data, dtype).reshape(np.shape(data))
        self._lowered[source.position] = self._declare(source, value.shape, dtype, value)

    def temporary(self, base: Tensor, suffix: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """A new tensor named after ``base`` with the element type and quantization of ``like``."""
        return self._add(replace(like, name=self._fresh(f"{base.name}/{suffix}"), shape=tuple(shape), constant=None))

    def parameter(self, base: Tensor, suffix: str, data: NDArray[Any]) -> Tensor:
        """A new constant named after ``base`` that is not quantized, such as multipliers or a table."""
        return self._add(Tensor(self._fresh(f"{base.name}/{suffix}"), data.shape, data.dtype, constant=data))

    def derived(self, constant: Tensor, suffix: str, data: NDArray[Any]) -> Tensor:
        """A constant computed from another, with its quantization."""
        name = self._fresh(f"{constant.name}/{suffix}")
        return self._add(replace(constant, name=name, shape=data.shape, dtype=data.dtype, constant=data))

    def emit(self, op: str, inputs: Sequence[Tensor], output: Tensor, **attrs: AttrValue) -> Tensor:
        """Adds a node, named after the tensor it computes."""
        node = Node(op, output.name, tuple(t.name for t in inputs), (output.name,), attrs)
        self.nodes.append(node)
        return output

    def emit_all(self, op: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], **attrs: AttrValue) -> None:
        """As ``emit``, for an op with several outputs."""
        self.emit(op, inputs, outputs[0], **attrs)
        self.nodes[-1] = replace(self.nodes[-1], outputs=tuple(t.name for t in outputs))

    def lookup(self, x: Tensor, output: Tensor, table: NDArray[np.int8]) -> Tensor:
        return self.emit("lookup", [x, self.parameter(output, "table", table)], output)

    def relabelled(self, x: Tensor, like: Tensor) -> Tensor:
        """The bytes of ``x`` as a tensor with the quantization of ``like``.

        TFLite asks for equal quantization around ops that only move or compare values, and its kernels ignore any
        difference there: the bytes pass unchanged.
        """
        if same_quantization(x, like):
            return x
        if x.data is not None:
            return self.derived(replace(x, scale=like.scale, zero_point=like.zero_point), "relabelled", x.data)
        output = self.temporary(x, "relabelled", x.shape, like)
        return self.lookup(x, output, IDENTITY)

    def reshaped(self, x: Tensor, shape: Sequence[int], base: Tensor) -> Tensor:
        """x with another shape, as a new tensor named after ``base``."""
        if x.shape == tuple(shape):
            return x
        return self.emit("reshape", [x], self.temporary(base, "reshaped", shape, x))

    # Refusals

    def locate(self, op: Operator) -> str:
        name = self.model.tensors[op.outputs[0]].name
        return f"{op.op} (operator {op.position}, computing {name!r})"

    def refuse(self, op: Operator, reason: str) -> NoReturn:
        raise UnsupportedOpError(f"{self.locate(op)} is not supported: {reason}")

    def malformed(self, op: Operator, reason: str) -> NoReturn:
        raise ModelFormatError(f"{self.locate(op)} is malformed: {reason}")

    def _require_quantized(self, op: Operator, tensor: Tensor, source: SourceTensor, role: str) -> None:
        if tensor.dtype != INT8:
            self.refuse(
                op,
                f"its {role} {source.name!r} is {source.type}; this op runs on int8 or uint8, so the network needs "
                "full integer quantization first",
            )
        if tensor.scale is None:
            count = source.scale.size
            self.refuse(op, f"its {role} {source.name!r} has {count} scales; exactly one is needed")

    def _refuse_type(self, source: SourceTensor, op: Operator | None) -> NoReturn:
        where = f"tensor {source.name!r}" if op is None else f"{self.locate(op)}: tensor {source.name!r}"
        raise UnsupportedOpError(
            f"{where} has element type {source.type}; supported are {', '.join(_TYPES)}: export with int8 weights and "
            "activations"
        )

    def _declare(
        self, source: SourceTensor, shape: tuple[int, ...], dtype: np.dtype[Any], data: NDArray[Any] | None
    ) -> Tensor:
        scale: np.float32 | None = None
        zero_point = 0
        if dtype == INT8 and source.scale.size == 1:
            scale = np.float32(source.scale[0])
            zero_point = int(source.zero_point[0]) - (128 if source.type == "uint8" else 0)
            if not -128 <= zero_point <= 127:
                raise ModelFormatError(
                    f"tensor {source.name!r} of type {source.type} has zero point {int(source.zero_point[0])}"
                )
        elif source.type == "uint8" and source.scale.size == 0:
            # Numbers, as pixels are.
            scale, zero_point = np.float32(1), -128
        return self._add(Tensor(source.name, shape, dtype, scale, zero_point, data))

    def _add(self, tensor: Tensor) -> Tensor:
        if (
            math.prod(tensor.shape) >= 1 << 40
            or not 0 <= min(tensor.shape, default=0) <= max(tensor.shape, default=0) < 1 << 31
        ):
            raise ModelFormatError(f"tensor {tensor.name!r} would have the shape {tensor.shape}")
        if len(tensor.shape) > 8:
            raise UnsupportedOpError(
                f"tensor {tensor.name!r} would have rank {len(tensor.shape)}; at most 8 is supported"
            )
        self.tensors[tensor.name] = tensor
        return tensor

    def _fresh(self, name: str) -> str:
        """A name like this one that no tensor has."""
        fresh = name
        while fresh in self._names:
            self._names[name] += 1
            fresh = f"{name}_{self._names[name]}"
        self._names[fresh] = 0
        return fresh


def same_quantization(a: Tensor, b: Tensor) -> bool:
    return a.scale == b.scale and a.zero_point == b.zero_point

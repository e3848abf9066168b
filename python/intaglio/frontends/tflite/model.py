"""A .tflite file as plain Python values: tensors, operators, inputs and outputs of its one subgraph.

Everything an index points to is checked here, so the lowerings never meet one that is out of range.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from intaglio.errors import ModelFormatError, UnsupportedOpError
from intaglio.frontends.tflite import schema
from intaglio.frontends.tflite.flatbuffer import File, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from intaglio.frontends import FileBytes

MAGIC: Final = b"TFL3"

#: NumPy's name for the tensor types that constants may have.
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("?"),
}
_FLOAT32, _INT64, _UINT8 = _DTYPES["float32"], _DTYPES["int64"], _DTYPES["uint8"]
_MAX_RANK: Final = 8
_MAX_ELEMENTS: Final = 1 << 40


class SourceTensor(NamedTuple):
    """A tensor of the file. ``scale`` is empty where it is not quantized."""

    position: int
    name: str
    shape: tuple[int, ...]
    type: str
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    quantized_dimension: int
    data: NDArray[Any] | None
    sparse: bool


class Operator(NamedTuple):
    """One operator of the file; an input of -1 is absent. A custom one has the bytes of its options, "custom"."""

    position: int
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


class Model(NamedTuple):
    """The file's one subgraph."""

    tensors: list[SourceTensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    description: str


def is_tflite(data: FileBytes) -> bool:
    """Whether ``data`` carries the identifier of a .tflite file."""
    return data[4:8] == MAGIC


def parse(data: FileBytes) -> Model:
    """Reads a .tflite file."""
    if not is_tflite(data):
        raise ModelFormatError(f"not a .tflite file: its identifier is {data[4:8]!r}, expected {MAGIC!r}")
    root = File(data).root()
    version = root.scalar(schema.MODEL_VERSION, "I", 0)
    if version != 3:
        raise ModelFormatError(f"the file has TFLite schema version {version}, expected 3")
    subgraphs = root.tables(schema.MODEL_SUBGRAPHS)
    if len(subgraphs) != 1:
        raise UnsupportedOpError(
            f"the file has {len(subgraphs)} subgraphs (control flow or several signatures); only files with one are "
            "supported: export a single signature without loops or conditions"
        )
    return _Parser(data, root, subgraphs[0]).model()


class _Parser:
    def __init__(self, data: FileBytes, root: Table, graph: Table) -> None:
        self._data = data
        self._root = root
        self._graph = graph
        self._buffers = root.tables(schema.MODEL_BUFFERS)
        self._codes = [_op_name(code) for code in root.tables(schema.MODEL_OPERATOR_CODES)]

    def model(self) -> Model:
        tables = self._graph.tables(schema.GRAPH_TENSORS)
        operators = [
            self._operator(i, t, len(tables)) for i, t in enumerate(self._graph.tables(schema.GRAPH_OPERATORS))
        ]
        produced = {index for operator in operators for index in operator.outputs}
        inputs = _indices(self._graph, schema.GRAPH_INPUTS, len(tables), "the inputs of the graph")
        outputs = _indices(self._graph, schema.GRAPH_OUTPUTS, len(tables), "the outputs of the graph")
        if not outputs:
            raise ModelFormatError("the file has no outputs")
        names: set[str] = set()
        variable = produced.union(inputs)
        tensors = [self._tensor(i, table, i in variable, names) for i, table in enumerate(tables)]
        return Model(tensors, operators, inputs, outputs, self._root.text(schema.MODEL_DESCRIPTION))

    def _operator(self, index: int, table: Table, tensor_count: int) -> Operator:
        code = table.scalar(schema.OPERATOR_CODE, "I", 0)
        if code >= len(self._codes):
            raise ModelFormatError(f"operator {index} has op code {code}; the file has {len(self._codes)}")
        op = self._codes[code]
        where = f"operator {index} ({op})"
        inputs = _indices(table, schema.OPERATOR_INPUTS, tensor_count, f"the inputs of {where}", optional=True)
        outputs = _indices(table, schema.OPERATOR_OUTPUTS, tensor_count, f"the outputs of {where}")
        if not outputs:
            raise ModelFormatError(f"{where} has no outputs")
        if op.startswith("CUSTOM"):
            options: dict[str, Any] = {"custom": table.array(schema.OPERATOR_CUSTOM_OPTIONS, _UINT8)}
        else:
            options = _options(op, table.table(schema.OPERATOR_OPTIONS))
        if op.endswith("LSTM"):
            options["intermediates"] = _indices(table, schema.OPERATOR_INTERMEDIATES, tensor_count, where)
        return Operator(index, op, inputs, outputs, options)

    def _tensor(self, index: int, table: Table, variable: bool, names: set[str]) -> SourceTensor:
        name = table.text(schema.TENSOR_NAME) or f"tensor_{index}"
        if name in names:
            name = f"{name}#{index}"
        names.add(name)
        shape = _shape(table.integers(schema.TENSOR_SHAPE) or (), name)
        kind = table.scalar(schema.TENSOR_TYPE, "b", 0)
        type_name = schema.TYPE_NAMES[kind] if 0 <= kind < len(schema.TYPE_NAMES) else f"type {kind}"
        scale, zero_point, dimension = _quantization(table.table(schema.TENSOR_QUANTIZATION), name)
        sparse = table.table(schema.TENSOR_SPARSITY) is not None
        data = None
        if not (variable or sparse):
            data = self._constant(table.scalar(schema.TENSOR_BUFFER, "I", 0), name, type_name, shape)
        return SourceTensor(index, name, shape, type_name, scale, zero_point, dimension, data, sparse)

    def _constant(self, buffer: int, name: str, type_name: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
        if buffer >= len(self._buffers):
            raise ModelFormatError(f"tensor {name!r} has buffer {buffer}; the file has {len(self._buffers)}")
        if type_name not in _DTYPES:
            return None
        dtype = _DTYPES[type_name]
        raw = self._bytes(self._buffers[buffer], name)
        count = math.prod(shape)
        if raw is None:
            return np.empty(shape, dtype) if count == 0 else None
        if raw.size != count * dtype.itemsize:
            raise ModelFormatError(
                f"tensor {name!r} of shape {shape} and type {type_name} needs {count * dtype.itemsize} bytes, its "
                f"buffer has {raw.size}"
            )
        data = raw.view(dtype).reshape(shape)
        return data if data.flags.aligned else data.copy()

    def _bytes(self, buffer: Table, name: str) -> NDArray[np.uint8] | None:
        inline = buffer.array(schema.BUFFER_DATA, _UINT8)
        if inline is not None and inline.size:
            return inline
        offset, size = buffer.scalar(schema.BUFFER_OFFSET, "Q", 0), buffer.scalar(schema.BUFFER_SIZE, "Q", 0)
        if offset <= 1 or size == 0:
            return None
        if offset + size > len(self._data):
            raise ModelFormatError(f"the data of tensor {name!r} ends at {offset + size}, after the file's end")
        return np.frombuffer(self._data, np.uint8, size, offset)


def _op_name(code: Table) -> str:
    builtin = max(code.scalar(schema.CODE_BUILTIN, "i", 0), code.scalar(schema.CODE_DEPRECATED, "b", 0))
    if builtin < 0:
        raise ModelFormatError(f"the file has op code {builtin}, which does not exist")
    if builtin >= len(schema.OP_NAMES):
        return f"op code {builtin}"
    name = schema.OP_NAMES[builtin]
    return f"CUSTOM {code.text(schema.CODE_CUSTOM)!r}" if name == "CUSTOM" else name


def _options(op: str, table: Table | None) -> dict[str, Any]:
    known = schema.OPTIONS.get(op, {})
    options = {
        name: default if table is None else table.scalar(slot, kind, default)
        for name, (slot, kind, default) in known.items()
    }
    if op in schema.VECTOR_OPTIONS:
        name, slot = schema.VECTOR_OPTIONS[op]
        options[name] = () if table is None else table.integers(slot) or ()
    return options


def _indices(table: Table, slot: int, count: int, where: str, *, optional: bool = False) -> tuple[int, ...]:
    indices = table.integers(slot) or ()
    lowest = -1 if optional else 0
    for index in indices:
        if not lowest <= index < count:
            raise ModelFormatError(f"{where} name tensor {index}; the file has {count}")
    return indices


def _shape(shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    if len(shape) > _MAX_RANK:
        raise ModelFormatError(f"tensor {name!r} has rank {len(shape)}, at most {_MAX_RANK} is supported")
    if any(size < 0 for size in shape):
        raise ModelFormatError(f"tensor {name!r} has the negative size {min(shape)} in its shape {shape}")
    if math.prod(shape) >= _MAX_ELEMENTS:
        raise ModelFormatError(f"tensor {name!r} of shape {shape} has too many elements")
    return shape


_SMALLEST_NORMAL: Final = np.finfo(np.float32).tiny
_NO_SCALE: Final = np.empty(0, np.float32)
_NO_ZERO_POINT: Final = np.empty(0, np.int64)


def _quantization(table: Table | None, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    scale = None if table is None else table.array(schema.QUANTIZATION_SCALE, _FLOAT32)
    # One scale of zero is how files say "not quantized" within an empty table.
    if table is None or scale is None or scale.size == 0 or (scale.size == 1 and scale[0] == 0):
        return _NO_SCALE, _NO_ZERO_POINT, 0
    if table.table(schema.QUANTIZATION_DETAILS) is not None:
        raise UnsupportedOpError(f"tensor {name!r} has custom or blockwise quantization; only affine is supported")
    lowest, highest = (scale.min(), scale.max()) if scale.size > 1 else (scale[0], scale[0])
    # NaN compares false.
    if not (lowest >= _SMALLEST_NORMAL and highest < math.inf):
        raise ModelFormatError(f"tensor {name!r} has a scale that is not a positive, finite, normal number")
    zero_point = table.array(schema.QUANTIZATION_ZERO_POINT, _INT64)
    if zero_point is None or zero_point.size == 0:
        zero_point = np.zeros(1, np.int64)
    if zero_point.size not in (1, scale.size):
        raise ModelFormatError(f"tensor {name!r} has {scale.size} scales and {zero_point.size} zero points")
    return scale, zero_point, table.scalar(schema.QUANTIZATION_DIMENSION, "i", 0)

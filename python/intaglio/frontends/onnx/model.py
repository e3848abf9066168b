"""Reading an .onnx file: what the lowering needs of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import DTypeError, MissingExtraError, ModelFormatError, ShapeError, UnsupportedOpError
from intaglio.frontends.onnx.external import external_bytes

#: The oldest version of the operator set whose forms are known.
OLDEST_OPSET: Final = 7
_MAX_RANK: Final = 8
#: Names of ONNX's element types that arrays here may have; constants of others are refused.
_ARRAYS: Final = (
    *("FLOAT", "FLOAT16", "DOUBLE", "BOOL"),
    *("INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64"),
)
#: Types of attributes; those of other names are as the file says.
_ATTRIBUTES: Final = {
    **dict.fromkeys(("allowzero", "antialias", "axis", "block_size", "blocksize", "ceil_mode", "channels_last"), "INT"),
    **dict.fromkeys(("count_include_pad", "end", "exclude_outside", "fmod", "group", "keepdims"), "INT"),
    **dict.fromkeys(("noop_with_empty_axes", "num_outputs", "opset", "output_dtype", "select_last_index"), "INT"),
    **dict.fromkeys(("start", "to", "training_mode", "transA", "transB", "value_int"), "INT"),
    **dict.fromkeys(("axes", "dilations", "ends", "kernel_shape", "output_padding", "output_shape", "pads"), "INTS"),
    **dict.fromkeys(("perm", "split", "starts", "strides", "value_ints"), "INTS"),
    **dict.fromkeys(("alpha", "beta", "epsilon", "max", "min", "value_float"), "FLOAT"),
    **dict.fromkeys(("scales", "value_floats"), "FLOATS"),
    **dict.fromkeys(("approximate", "auto_pad", "coordinate_transformation_mode", "mode", "nearest_mode"), "STRING"),
    "keep_aspect_ratio_policy": "STRING",
}
#: Element types of the inputs of a network.
_INPUTS: Final = ("float32", "int8", "uint8", "int32", "int64")


@dataclass(frozen=True)
class SourceNode:
    """One operator; ``op`` has its domain in front where that is not ONNX's own. An input left out is ""."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class SourceInput:
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    opset: int
    nodes: tuple[SourceNode, ...]
    constants: dict[str, NDArray[Any]]
    inputs: tuple[SourceInput, ...]
    outputs: tuple[str, ...]
    producer: str


def parse(data: bytes, folder: str | None) -> Model:
    """The network in a file; ``folder`` is where files that it refers to lie."""
    proto = _decoded(data)
    opset = _opset(proto)
    graph = proto.graph
    if graph.sparse_initializer:
        raise UnsupportedOpError(f"the file has the sparse constant {graph.sparse_initializer[0].values.name!r}")
    constants = {tensor.name: to_array(tensor, folder) for tensor in graph.initializer}
    inputs = tuple(_input(info) for info in graph.input if info.name not in constants)
    names: set[str] = set()
    nodes = tuple(_node(i, node, folder, names) for i, node in enumerate(graph.node))
    outputs = tuple(info.name for info in graph.output)
    if not outputs:
        raise ModelFormatError("the file has no outputs")
    return Model(opset, nodes, constants, inputs, outputs, f"{proto.producer_name} {proto.producer_version}".strip())


def onnx_package() -> Any:
    """The package `onnx`, which the extra of the same name brings."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(".onnx files need the package onnx: pip install intaglio[onnx]") from error
    return onnx


def to_array(tensor: Any, folder: str | None = None) -> NDArray[Any]:
    """A constant of the file as an array."""
    onnx = onnx_package()
    types = onnx.TensorProto.DataType
    name = tensor.name or "without name"
    type_name = types.Name(tensor.data_type) if tensor.data_type in types.values() else f"type {tensor.data_type}"
    if type_name not in _ARRAYS:
        raise UnsupportedOpError(f"constant {name!r} has element type {type_name}; export with int8 or float32 weights")
    shape = tuple(tensor.dims)
    if len(shape) > _MAX_RANK or any(size < 0 for size in shape):
        raise ModelFormatError(f"constant {name!r} has the shape {shape}")
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            entries = {entry.key: entry.value for entry in tensor.external_data}
            raw = external_bytes(entries, folder, name)
            return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        raise ModelFormatError(f"constant {name!r} of shape {shape} and type {type_name}: {error}") from error


def _decoded(data: bytes) -> Any:
    onnx = onnx_package()
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.load_model_from_string(data)
        if proto.functions:
            from onnx.inliner import inline_local_functions

            proto = inline_local_functions(proto)
    except DecodeError as error:
        raise ModelFormatError(f"the file is no .onnx file, or is damaged: {error}") from error
    if not proto.HasField("graph") or not proto.opset_import:
        raise ModelFormatError("the file is no .onnx file, or is damaged: it has no graph or no operator set")
    return proto


def _opset(proto: Any) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if versions and versions[0] < OLDEST_OPSET:
        raise UnsupportedOpError(
            f"the file has opset {versions[0]}, at least {OLDEST_OPSET} is supported; onnx.version_converter raises it"
        )
    return int(versions[0]) if versions else OLDEST_OPSET


def _input(info: Any) -> SourceInput:
    onnx = onnx_package()
    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise ShapeError(f"input {info.name!r}: shape: expected that of a tensor, got none; export it with a shape")
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
    except KeyError:
        raise ModelFormatError(f"input {info.name!r} has the unknown element type {kind.elem_type}") from None
    if dtype.name not in _INPUTS:
        raise DTypeError(f"input {info.name!r}: dtype: expected {', '.join(_INPUTS)}, got {dtype}")
    dims = kind.shape.dim
    if len(dims) > _MAX_RANK:
        raise ShapeError(f"input {info.name!r}: rank: expected at most {_MAX_RANK}, got {len(dims)}")
    return SourceInput(info.name, dtype, tuple(_size(info.name, axis, dim) for axis, dim in enumerate(dims)))


def _size(name: str, axis: int, dim: Any) -> int:
    """The size of an axis. A first axis left open is the batch: one sample, for the engine repeats them."""
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    if axis == 0:
        return 1
    label = f" ({dim.dim_param!r})" if dim.dim_param else ""
    raise ShapeError(
        f"input {name!r}: axis {axis}{label}: expected a size, got an open one; only the first axis may be open: "
        "export the network with fixed sizes"
    )


def _node(index: int, node: Any, folder: str | None, names: set[str]) -> SourceNode:
    op = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    outputs = tuple(node.output)
    if not any(outputs):
        raise ModelFormatError(f"operator {index} ({op}) has no outputs")
    name = node.name or next(filter(None, outputs))
    if name in names:
        name = f"{name}#{index}"
    names.add(name)
    return SourceNode(op, name, tuple(node.input), outputs, {a.name: _attribute(a, folder) for a in node.attribute})


def _attribute(attribute: Any, folder: str | None) -> Any:
    onnx = onnx_package()
    types = onnx.AttributeProto.AttributeType
    expected = _ATTRIBUTES.get(attribute.name)
    if expected is not None and attribute.type != types.Value(expected):
        raise ModelFormatError(
            f"attribute {attribute.name!r}: expected the type {expected}, got {attribute.type} "
            f"({types.Name(attribute.type) if attribute.type in types.values() else 'unknown'})"
        )
    if attribute.type == onnx.AttributeProto.TENSOR:
        return to_array(attribute.t, folder)
    try:
        value = onnx.helper.get_attribute_value(attribute)
    except ValueError as error:
        raise ModelFormatError(f"attribute {attribute.name!r}: {error}") from error
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return list(value) if attribute.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS) else value

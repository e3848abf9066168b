"""Reading an .onnx file: what the lowering needs of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import DTypeError, MissingExtraError, ModelFormatError, ShapeError, UnsupportedOpError
from intaglio.frontends.onnx import schema
from intaglio.frontends.onnx.protobuf import Message
from intaglio.frontends.onnx.tensors import MAX_RANK, of_bytes, to_array

if TYPE_CHECKING:
    from intaglio.frontends import FileBytes

#: The oldest version of the operator set whose forms are known.
OLDEST_OPSET: Final = 7
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
#: What ONNX's own operators have as domain.
_OWN_DOMAINS: Final = ("", "ai.onnx")
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


def parse(data: FileBytes, folder: str | None) -> Model:
    """The network in a file, its constants as views of it; ``folder`` is where files that it refers to lie."""
    model = Message(memoryview(data))
    if schema.MODEL_FUNCTIONS in model:
        model = Message(memoryview(_inlined(bytes(data))))
    if schema.MODEL_GRAPH not in model or schema.MODEL_OPSETS not in model:
        raise ModelFormatError("the file is no .onnx file, or is damaged: it has no graph or no operator set")
    opset = _opset(model)
    graph = model.message(schema.MODEL_GRAPH)
    for sparse in graph.messages(schema.GRAPH_SPARSE_CONSTANTS):
        name = sparse.message(schema.SPARSE_VALUES).text(schema.TENSOR_NAME)
        raise UnsupportedOpError(f"the file has the sparse constant {name!r}")
    tensors = graph.messages(schema.GRAPH_CONSTANTS)
    constants = {tensor.text(schema.TENSOR_NAME): to_array(tensor, folder) for tensor in tensors}
    ports = ((port.text(schema.PORT_NAME), port) for port in graph.messages(schema.GRAPH_INPUTS))
    inputs = tuple(_input(name, port) for name, port in ports if name not in constants)
    names: set[str] = set()
    nodes = tuple(_node(i, node, folder, names) for i, node in enumerate(graph.messages(schema.GRAPH_NODES)))
    outputs = tuple(port.text(schema.PORT_NAME) for port in graph.messages(schema.GRAPH_OUTPUTS))
    if not outputs:
        raise ModelFormatError("the file has no outputs")
    producer = f"{model.text(schema.MODEL_PRODUCER_NAME)} {model.text(schema.MODEL_PRODUCER_VERSION)}"
    return Model(opset, nodes, constants, inputs, outputs, producer.strip())


def onnx_package() -> Any:
    """The package `onnx`, which the extra of the same name brings."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(
            "writing .onnx files, and reading those with functions of their own, needs the package onnx: "
            "pip install intaglio[onnx]"
        ) from error
    return onnx


def _inlined(data: bytes) -> bytes:
    """The file with the bodies of its functions where they are called."""
    onnx = onnx_package()
    from google.protobuf.message import DecodeError
    from onnx.inliner import inline_local_functions

    try:
        return bytes(inline_local_functions(onnx.load_model_from_string(data)).SerializeToString())
    except DecodeError as error:
        raise ModelFormatError(f"the file is no .onnx file, or is damaged: {error}") from error


def _opset(model: Message) -> int:
    entries = model.messages(schema.MODEL_OPSETS)
    versions = [e.number(schema.OPSET_VERSION) for e in entries if e.text(schema.OPSET_DOMAIN) in _OWN_DOMAINS]
    if versions and versions[0] < OLDEST_OPSET:
        raise UnsupportedOpError(
            f"the file has opset {versions[0]}, at least {OLDEST_OPSET} is supported; onnx.version_converter raises it"
        )
    return versions[0] if versions else OLDEST_OPSET


def _input(name: str, port: Message) -> SourceInput:
    kind = port.message(schema.PORT_TYPE).message(schema.TYPE_TENSOR)
    if schema.TENSOR_TYPE_SHAPE not in kind:
        raise ShapeError(f"input {name!r}: shape: expected that of a tensor, got none; export it with a shape")
    element = kind.number(schema.TENSOR_TYPE_ELEMENT)
    dtype = schema.array_type(element)
    if dtype is None or dtype.name not in _INPUTS:
        got = schema.element_name(element).lower() if dtype is None else dtype
        raise DTypeError(f"input {name!r}: dtype: expected {', '.join(_INPUTS)}, got {got}")
    dims = kind.message(schema.TENSOR_TYPE_SHAPE).messages(schema.SHAPE_DIMS)
    if len(dims) > MAX_RANK:
        raise ShapeError(f"input {name!r}: rank: expected at most {MAX_RANK}, got {len(dims)}")
    return SourceInput(name, dtype, tuple(_size(name, axis, dim) for axis, dim in enumerate(dims)))


def _size(name: str, axis: int, dim: Message) -> int:
    """The size of an axis. A first axis left open is the batch: one sample, for the engine repeats them."""
    size = dim.number(schema.DIM_VALUE)
    if size > 0:
        return size
    if axis == 0:
        return 1
    label = f" ({dim.text(schema.DIM_NAME)!r})" if schema.DIM_NAME in dim else ""
    raise ShapeError(
        f"input {name!r}: axis {axis}{label}: expected a size, got an open one; only the first axis may be open: "
        "export the network with fixed sizes"
    )


def _node(index: int, node: Message, folder: str | None, names: set[str]) -> SourceNode:
    op, domain = node.text(schema.NODE_OP), node.text(schema.NODE_DOMAIN)
    if domain not in _OWN_DOMAINS:
        op = f"{domain}.{op}"
    outputs = node.texts(schema.NODE_OUTPUTS)
    if not any(outputs):
        raise ModelFormatError(f"operator {index} ({op}) has no outputs")
    name = node.text(schema.NODE_NAME) or next(filter(None, outputs))
    if name in names:
        name = f"{name}#{index}"
    names.add(name)
    attributes = dict(_attribute(entry, folder) for entry in node.messages(schema.NODE_ATTRIBUTES))
    return SourceNode(op, name, node.texts(schema.NODE_INPUTS), outputs, attributes)


def _attribute(attribute: Message, folder: str | None) -> tuple[str, Any]:
    """Its name and value; graphs and lists of tensors, which nothing here reads, have none."""
    name, code = attribute.text(schema.ATTRIBUTE_NAME), attribute.number(schema.ATTRIBUTE_TYPE)
    kind = schema.ATTRIBUTE_NAMES[code] if 0 <= code < len(schema.ATTRIBUTE_NAMES) else "unknown"
    if _ATTRIBUTES.get(name, kind) != kind or kind == "unknown":
        expected = _ATTRIBUTES.get(name, "one of those known")
        raise ModelFormatError(f"attribute {name!r}: expected the type {expected}, got {code} ({kind})")
    if schema.ATTRIBUTE_REFERENCE in attribute:
        raise ModelFormatError(f"attribute {name!r} refers to one of a function, and stands outside of any")
    match kind:
        case "FLOAT":
            return name, attribute.float32(schema.ATTRIBUTE_FLOAT)
        case "INT":
            return name, attribute.number(schema.ATTRIBUTE_INT)
        case "STRING":
            return name, str(attribute.bytes(schema.ATTRIBUTE_STRING), "utf-8", "replace")
        case "TENSOR":
            return name, to_array(attribute.message(schema.ATTRIBUTE_TENSOR), folder)
        case "FLOATS":
            return name, of_bytes(attribute.joined(schema.ATTRIBUTE_FLOATS), np.dtype(np.float32)).tolist()
        case "INTS":
            return name, attribute.integers(schema.ATTRIBUTE_INTS).tolist()
        case _:
            return name, None

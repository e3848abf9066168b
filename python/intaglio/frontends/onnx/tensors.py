"""Constants of an .onnx file as arrays."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import ModelFormatError, UnsupportedOpError
from intaglio.frontends.onnx import schema
from intaglio.frontends.onnx.external import external_bytes
from intaglio.frontends.onnx.protobuf import Message

MAX_RANK: Final = 8
_FIXED_SIZE: Final = (schema.TENSOR_FLOAT, schema.TENSOR_DOUBLE)


def to_array(tensor: Message, folder: str | None) -> NDArray[Any]:
    """The numbers of a constant, bytes as a view of the file. ``folder`` is where files that it refers to lie."""
    name = tensor.text(schema.TENSOR_NAME) or "without name"
    element = schema.element_name(tensor.number(schema.TENSOR_TYPE))
    if element not in schema.ARRAYS:
        raise UnsupportedOpError(f"constant {name!r} has element type {element}; export with int8 or float32 weights")
    shape = tuple(tensor.integers(schema.TENSOR_DIMS).tolist())
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise ModelFormatError(f"constant {name!r} has the shape {shape}")
    if schema.TENSOR_SEGMENT in tensor:
        raise ModelFormatError(f"constant {name!r} is a segment of a larger one")
    try:
        return _numbers(tensor, name, element, folder).reshape(shape)
    except ValueError as error:
        raise ModelFormatError(f"constant {name!r} of shape {shape} and type {element}: {error}") from error


def _numbers(tensor: Message, name: str, element: str, folder: str | None) -> NDArray[Any]:
    dtype, field = schema.ARRAYS[element]
    if tensor.number(schema.TENSOR_LOCATION) == schema.EXTERNAL:
        entries = tensor.messages(schema.TENSOR_EXTERNAL)
        places = {entry.text(schema.ENTRY_KEY): entry.text(schema.ENTRY_VALUE) for entry in entries}
        return of_bytes(external_bytes(places, folder, name), dtype)
    if schema.TENSOR_RAW in tensor:
        return of_bytes(tensor.bytes(schema.TENSOR_RAW), dtype)
    if field in _FIXED_SIZE:
        return of_bytes(tensor.joined(field), dtype)
    integers = tensor.integers(field)
    return integers.astype(np.uint16).view(dtype) if dtype == np.float16 else integers.astype(dtype)


def of_bytes(data: bytes | memoryview, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers end to end: a view of bytes, a copy of wider ones, which need not lie aligned."""
    if len(data) % dtype.itemsize:
        raise ModelFormatError(f"expected {dtype} numbers, got {len(data)} bytes")
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=dtype.itemsize > 1)

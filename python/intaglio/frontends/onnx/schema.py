"""The parts of the ONNX schema that the frontend reads: numbers of fields, and names of types."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

MODEL_PRODUCER_NAME, MODEL_PRODUCER_VERSION, MODEL_GRAPH, MODEL_OPSETS, MODEL_FUNCTIONS = 2, 3, 7, 8, 25
OPSET_DOMAIN, OPSET_VERSION = 1, 2
GRAPH_NODES, GRAPH_CONSTANTS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_SPARSE_CONSTANTS = 1, 5, 11, 12, 15
SPARSE_VALUES: Final = 1
NODE_INPUTS, NODE_OUTPUTS, NODE_NAME, NODE_OP, NODE_ATTRIBUTES, NODE_DOMAIN = 1, 2, 3, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_TYPE, ATTRIBUTE_REFERENCE = 1, 20, 21
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_STRING, ATTRIBUTE_TENSOR = 2, 3, 4, 5
ATTRIBUTE_FLOATS, ATTRIBUTE_INTS, ATTRIBUTE_STRINGS = 7, 8, 9
TENSOR_DIMS, TENSOR_TYPE, TENSOR_SEGMENT, TENSOR_NAME = 1, 2, 3, 8
TENSOR_FLOAT, TENSOR_INT32, TENSOR_INT64, TENSOR_RAW, TENSOR_DOUBLE, TENSOR_UINT64 = 4, 5, 7, 9, 10, 11
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14
ENTRY_KEY, ENTRY_VALUE = 1, 2
PORT_NAME, PORT_TYPE = 1, 2
TYPE_TENSOR: Final = 1
TENSOR_TYPE_ELEMENT, TENSOR_TYPE_SHAPE = 1, 2
SHAPE_DIMS: Final = 1
DIM_VALUE, DIM_NAME = 1, 2

#: What `TENSOR_LOCATION` is where the numbers lie in another file.
EXTERNAL: Final = 1

_ELEMENTS = """
UNDEFINED FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 COMPLEX64 COMPLEX128
BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 INT4 FLOAT4E2M1 FLOAT8E8M0 UINT2 INT2 FLOAT6E2M3
FLOAT6E3M2
"""
#: Element types are indices into this list.
ELEMENT_NAMES: Final = tuple(_ELEMENTS.split())

#: Those that arrays here may have, and the field of a tensor that has their numbers where it has no raw bytes.
ARRAYS: Final[dict[str, tuple[np.dtype[Any], int]]] = {
    "FLOAT": (np.dtype(np.float32), TENSOR_FLOAT),
    "DOUBLE": (np.dtype(np.float64), TENSOR_DOUBLE),
    "INT64": (np.dtype(np.int64), TENSOR_INT64),
    "UINT32": (np.dtype(np.uint32), TENSOR_UINT64),
    "UINT64": (np.dtype(np.uint64), TENSOR_UINT64),
    "INT32": (np.dtype(np.int32), TENSOR_INT32),
    "INT16": (np.dtype(np.int16), TENSOR_INT32),
    "UINT16": (np.dtype(np.uint16), TENSOR_INT32),
    "INT8": (np.dtype(np.int8), TENSOR_INT32),
    "UINT8": (np.dtype(np.uint8), TENSOR_INT32),
    "BOOL": (np.dtype(np.bool_), TENSOR_INT32),
    "FLOAT16": (np.dtype(np.float16), TENSOR_INT32),
}

_ATTRIBUTES = """
UNDEFINED FLOAT INT STRING TENSOR GRAPH FLOATS INTS STRINGS TENSORS GRAPHS SPARSE_TENSOR SPARSE_TENSORS TYPE_PROTO
TYPE_PROTOS
"""
#: Types of attributes are indices into this list.
ATTRIBUTE_NAMES: Final = tuple(_ATTRIBUTES.split())


def element_name(code: int) -> str:
    """What an element type is called."""
    return ELEMENT_NAMES[code] if 0 <= code < len(ELEMENT_NAMES) else f"type {code}"


def array_type(code: int) -> np.dtype[Any] | None:
    """The element type as arrays have it; None for one that they cannot have here."""
    name = element_name(code)
    return ARRAYS[name][0] if name in ARRAYS else None

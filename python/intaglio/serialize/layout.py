"""The layout of the `.intaglio` file (docs/format.md) as NumPy structured dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC: Final = b"INTAGLIO"
FORMAT_VERSION: Final = 1
ALIGNMENT: Final = 64
#: The sections in file order.
SECTIONS: Final = ("tensors", "nodes", "ports", "integers", "strings", "data")

_SPAN64 = np.dtype([("offset", "<u8"), ("size", "<u8")])
_SPAN32 = np.dtype([("offset", "<u4"), ("count", "<u4")])

HEADER: Final = np.dtype(
    [
        ("magic", "S8"),
        ("format_version", "<u4"),
        ("opset_version", "<u4"),
        ("file_size", "<u8"),
        ("header_checksum", "<u8"),
        ("body_checksum_a", "<u8"),
        ("body_checksum_b", "<u8"),
        ("tensor_count", "<u4"),
        ("node_count", "<u4"),
        ("input_count", "<u4"),
        ("output_count", "<u4"),
        *((name, _SPAN64) for name in SECTIONS),
        ("metadata", _SPAN32),
        ("peak_bytes", "<u8"),
        ("zero", "V16"),
    ]
)
TENSOR: Final = np.dtype(
    [
        ("name", _SPAN32),
        ("element", "u1"),
        ("rank", "u1"),
        ("quantized", "u1"),
        ("constant", "u1"),
        ("zero_point", "<i4"),
        ("scale", "<f4"),
        ("dims", "<u4"),
        ("data_offset", "<u8"),
        ("data_size", "<u8"),
        ("zero", "V24"),
    ]
)
NODE: Final = np.dtype(
    [
        ("op", "<u4"),
        ("name", _SPAN32),
        ("inputs", _SPAN32),
        ("outputs", _SPAN32),
        ("attrs", _SPAN32),
        ("zero", "V12"),
    ]
)
PORT: Final = np.dtype([("tensor", "<u4"), ("element", "<u4"), ("zero", "V8")])
INTEGER: Final = np.dtype("<i8")

#: Element types by their code in the file.
ELEMENTS: Final[dict[int, np.dtype[Any]]] = {
    1: np.dtype(np.int8),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int32),
    4: np.dtype(np.int64),
    5: np.dtype(np.float32),
}
ELEMENT_CODES: Final = {dtype: code for code, dtype in ELEMENTS.items()}


def aligned(offset: int) -> int:
    """The next multiple of 64."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


#: Words that `checksums` takes at once: few enough to stay in a cache.
_BLOCK: Final = 8192


def checksums(data: bytes | memoryview | NDArray[np.uint8]) -> tuple[int, int]:
    """Checksums A and B over a whole number of 64-bit words."""
    words = np.frombuffer(data, "<u8")
    ordinals = np.arange(1, min(len(words), _BLOCK) + 1, dtype=np.uint64)
    a = b = 0
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        # Arithmetic of uint64 wraps modulo 2^64, as the definition asks.
        total = int(block.sum(dtype=np.uint64))
        a += total
        b += start * total + int(np.dot(block, ordinals[: len(block)]))
    return a % 2**64, b % 2**64

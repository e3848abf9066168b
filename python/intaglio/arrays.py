"""Between the arrays users have and the arrays a model takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from intaglio import _core
from intaglio.errors import DTypeError, InputError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class TensorInfo(NamedTuple):
    """An input or output of a model: ``real = scale * (integer - zero_point)`` where it is quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float | None
    zero_point: int


_FLOAT32 = np.dtype(np.float32)


def fit(array: ArrayLike, info: TensorInfo, batchable: bool) -> tuple[NDArray[Any], bool]:
    """The array as the engine takes it (native, C-contiguous, the input's dtype), and whether it was quantized."""
    given = _as_array(array, info)
    if not given.shape and given.dtype.kind in "OSU":
        raise DTypeError(f"input '{info.name}': expected an array of numbers, got {type(array).__name__}")
    if given.shape != info.shape:
        _check_shape(given.shape, info, batchable)
    if given.dtype == info.dtype:
        return np.asarray(given, order="C"), False
    if given.dtype.kind == "f" and info.scale is not None:
        return _quantize(_float32(given), info), True
    if given.dtype.kind == "f" and info.dtype == _FLOAT32:
        return _float32(given), False
    if given.dtype.newbyteorder("=") == info.dtype:
        return np.asarray(given, dtype=info.dtype, order="C"), False
    expected = str(info.dtype) if info.scale is None else f"{info.dtype}, or floats to be quantized"
    raise DTypeError(f"input '{info.name}': expected {expected}, got {given.dtype}")


def to_floats(array: NDArray[Any], info: TensorInfo) -> NDArray[Any]:
    """An output as float32 where it is quantized, else as it is."""
    return array if info.scale is None else _core.dequantize(array, info.scale, _canonical_zero_point(info))


def check_batch(arrays: Sequence[NDArray[Any]], infos: Sequence[TensorInfo], batchable: bool) -> None:
    """All inputs hold the same number of samples."""
    if batchable and len({len(array) for array in arrays}) > 1:
        sizes = ", ".join(f"'{info.name}' has {len(array)}" for array, info in zip(arrays, infos, strict=True))
        raise ShapeError(f"expected the same batch size for every input, got: {sizes}")


def check_outputs(
    out: Sequence[NDArray[Any]],
    inputs: Sequence[NDArray[Any]],
    infos: Sequence[TensorInfo],
    *,
    batchable: bool,
    raw: bool,
) -> None:
    """The arrays can take the outputs of a run with these inputs, as integers where ``raw`` says so."""
    if len(out) != len(infos):
        raise InputError(f"out: expected {len(infos)} arrays, got {len(out)}")
    for i, (array, info) in enumerate(zip(out, infos, strict=True)):
        if not isinstance(array, np.ndarray):
            raise InputError(f"out for '{info.name}': expected an array, got {type(array).__name__}")
        dtype = info.dtype if raw or info.scale is None else _FLOAT32
        if array.dtype != dtype:
            raise DTypeError(f"out for '{info.name}': expected {dtype}, got {array.dtype}")
        shape = (len(inputs[0]), *info.shape[1:]) if batchable else info.shape
        if array.shape != shape:
            raise ShapeError(f"out for '{info.name}': expected shape {shape}, got {array.shape}")
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise InputError(f"out for '{info.name}': expected a C-contiguous array that can be written to")
        if any(np.may_share_memory(array, other) for other in (*inputs, *out[:i])):
            raise InputError(f"out for '{info.name}': shares memory with an input or another output")


def ordered(arrays: Mapping[str, Any], infos: Sequence[TensorInfo], kind: str) -> list[Any]:
    """The arrays by name in the order of the model's inputs or outputs; ``kind`` says which."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"expected a dict of arrays by {kind} name, got {type(arrays).__name__}")
    names = [info.name for info in infos]
    found = [arrays[name] for name in names if name in arrays]
    if len(found) == len(arrays) == len(names):
        return found
    missing = "".join(f"; missing {name!r}" for name in names if name not in arrays)
    unknown = "".join(f"; unknown {name!r}" for name in arrays if name not in names)
    raise InputError(f"the {kind}s are {', '.join(map(repr, names))}{missing}{unknown}")


def _as_array(array: ArrayLike, info: TensorInfo) -> NDArray[Any]:
    try:
        return np.asarray(array)
    except ValueError as error:
        raise ShapeError(f"input '{info.name}': expected an array of shape {info.shape}: {error}") from error


def _float32(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype == _FLOAT32:
        return np.asarray(array, order="C")
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float32, order="C")


def _check_shape(shape: tuple[int, ...], info: TensorInfo, batchable: bool) -> None:
    first = 1 if batchable else 0
    if len(shape) == len(info.shape) and shape[first:] == info.shape[first:]:
        return
    expected = f"({', '.join(['N', *map(str, info.shape[1:])])})" if batchable else str(info.shape)
    raise ShapeError(f"input '{info.name}': expected shape {expected}, got {shape}")


def _quantize(floats: NDArray[np.float32], info: TensorInfo) -> NDArray[Any]:
    assert info.scale is not None
    integers, nan = _core.quantize(floats, info.scale, _canonical_zero_point(info), info.dtype)
    if nan is not None:
        raise _nan_error(floats, nan, info)
    return integers


def _nan_error(floats: NDArray[Any], index: int, info: TensorInfo) -> InputError:
    position = tuple(int(i) for i in np.unravel_index(index, floats.shape))
    return InputError(f"input '{info.name}': NaN at {position}")


def _canonical_zero_point(info: TensorInfo) -> int:
    """Of the int8 value, which is what the engine counts from."""
    return info.zero_point - 128 if info.dtype == np.uint8 else info.zero_point

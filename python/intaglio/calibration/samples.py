"""The data that users have, as batches that a graph takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import DTypeError, InputError, ShapeError
from intaglio.graph import Graph, Port

#: What one item of the data may be: an array (or what `np.asarray` takes), arrays by input name, or arrays in order.
Item = Any
#: A stream of items, or all samples at once as one array or as a dict of arrays.
Data = Iterable[Item] | NDArray[Any] | Mapping[str, Any]

#: Samples taken at a time from data that comes as one array; any number gives the same result.
_SLICE: Final = 32


@dataclass(frozen=True)
class Batch:
    """An item as arrays by input name, in the order of the graph's inputs."""

    index: int
    arrays: dict[str, NDArray[Any]]
    #: How many runs of the graph the arrays hold.
    runs: int

    def pieces(self, runs: int) -> Iterator[dict[str, NDArray[Any]]]:
        """The arrays of all runs, each once, at most so many at a time."""
        for start in range(0, self.runs, runs):
            yield {name: self._part(array, start, start + runs) for name, array in self.arrays.items()}

    def _part(self, array: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        if array.ndim == 0:
            return array
        leading = len(array) // self.runs
        return array[start * leading : stop * leading]


def items_of(graph: Graph, data: Data) -> Iterable[Item]:
    """The items; data that comes all at once is cut into slices."""
    if isinstance(data, Mapping):
        return _slices({name: np.asarray(array) for name, array in data.items()})
    if isinstance(data, np.ndarray) and data.ndim == len(graph.input_tensors[0].shape):
        return _slices(data)
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise TypeError(f"data: expected an iterable of arrays, tuples or dicts, got {type(data).__name__}")
    return data


def batches(graph: Graph, items: Iterable[Item]) -> Iterator[Batch]:
    """Every item, checked against the graph's inputs; at least one, and none of them empty."""
    index = -1
    for index, item in enumerate(items):
        yield _batch(graph, item, index)
    if index < 0:
        raise InputError("data: expected at least one sample, got none")


def _slices(data: Any) -> list[Any]:
    """Views of the samples of an array, or of a dict of arrays."""
    arrays = list(data.values()) if isinstance(data, dict) else [data]
    if any(array.ndim == 0 for array in arrays):
        return [data]
    starts = range(0, max((len(array) for array in arrays), default=0), _SLICE)
    if isinstance(data, dict):
        return [{name: array[i : i + _SLICE] for name, array in data.items()} for i in starts]
    return [data[i : i + _SLICE] for i in starts]


def _batch(graph: Graph, item: Item, index: int) -> Batch:
    arrays = {}
    for port, value in zip(graph.inputs, _in_order(graph, item, index), strict=True):
        arrays[port.tensor] = _array(graph, port, value, f"batch {index}, input '{port.tensor}'")
    counts = {name: _runs(array, graph.tensors[name].shape) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        sizes = ", ".join(f"'{name}' has {len(array)}" for name, array in arrays.items())
        raise ShapeError(f"batch {index}: expected the same number of samples for every input, got: {sizes}")
    return Batch(index, arrays, next(iter(counts.values())))


def _in_order(graph: Graph, item: Item, index: int) -> Sequence[Any]:
    """The values of the inputs; what a tuple or list has after them, such as labels, is not for the network."""
    names = [port.tensor for port in graph.inputs]
    if isinstance(item, Mapping):
        if set(item) != set(names):
            raise InputError(f"batch {index}: expected inputs {', '.join(names)}, got {', '.join(map(str, item))}")
        return [item[name] for name in names]
    values = item if isinstance(item, tuple | list) else (item,)
    if len(values) < len(names):
        raise InputError(f"batch {index}: expected {len(names)} arrays ({', '.join(names)}), got {len(values)}")
    return values[: len(names)]


def _array(graph: Graph, port: Port, value: Any, where: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{where}: expected an array, got {type(value).__name__}: {error}") from error
    shape = graph.tensors[port.tensor].shape
    if shape[:1] == (1,) and array.ndim == len(shape) - 1:
        array = array[None]
    _check_shape(array.shape, shape, where)
    if array.dtype.kind == "f" and (port.dtype.kind == "f" or graph.tensors[port.tensor].scale is not None):
        with np.errstate(over="ignore"):
            array = np.asarray(array, np.float32)
        _check_finite(array, where)
    elif array.dtype != port.dtype:
        raise DTypeError(f"{where}: expected {port.dtype}, got {array.dtype}")
    return array


def _check_shape(given: tuple[int, ...], shape: tuple[int, ...], where: str) -> None:
    own = shape[0] if shape else 1
    if len(given) == len(shape) and given[1:] == shape[1:]:
        if not shape or (given[0] and given[0] % max(own, 1) == 0):
            return
        multiple = "at least one sample" if own == 1 else f"a multiple of {own} samples"
        raise ShapeError(f"{where}: expected {multiple}, got {given[0]}")
    expected = f"({', '.join(['N' if own == 1 else str(own), *map(str, shape[1:])])})"
    raise ShapeError(f"{where}: expected shape {expected}, got {given}{_layout_hint(given, shape)}")


def _layout_hint(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if len(given) != len(shape) or len(shape) < 3:
        return ""
    if given[1:] == (*shape[2:], shape[1]):
        return ": the channels come first here, not last"
    return ": the channels come last here, not first" if given[1:] == (shape[-1], *shape[1:-1]) else ""


def _check_finite(array: NDArray[np.float32], where: str) -> None:
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):
        position = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(f"{where}: expected finite numbers, got {array[position]} at {position}")


def _runs(array: NDArray[Any], shape: tuple[int, ...]) -> int:
    return len(array) // shape[0] if shape and shape[0] else 1

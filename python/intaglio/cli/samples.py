"""Sample data from files: folders of pictures and arrays, `.npy` and `.npz`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from intaglio.cli import options, picture

if TYPE_CHECKING:
    import intaglio
    from intaglio.calibration import Data


def add_arguments(parser: argparse.ArgumentParser, option: str, what: str, *, required: bool) -> None:
    """An option for the data, and those that say how pictures become arrays."""
    parser.add_argument(
        option,
        type=Path,
        required=required,
        metavar="PATH",
        help=f"{what}: a folder of pictures or .npy files (folders in it too), a .npy array of samples, or a .npz with "
        "an array for each input. Arrays are taken as they are",
    )
    parser.add_argument("--samples", type=options.positive, metavar="N", help="use the first N only")
    picture.add_arguments(parser)


def read(path: Path, graph: intaglio.Graph, arguments: argparse.Namespace) -> Data:
    """The samples of a path for the inputs of a graph, loaded as they are asked for where that is possible."""
    if path.is_dir():
        return _Folder(path, graph, arguments)
    arrays = _arrays(path, graph)
    if len(arrays) > 1:
        return {name: array[: arguments.samples] for name, array in arrays.items()}
    (array,) = arrays.values()
    whole_rank = len(graph.input_tensors[0].shape)
    return array[: arguments.samples] if array.ndim == whole_rank else [array]


class _Folder:
    """The files of a folder, in the order of their names."""

    def __init__(self, folder: Path, graph: intaglio.Graph, arguments: argparse.Namespace) -> None:
        from intaglio.arrays import TensorInfo
        from intaglio.errors import Error

        if len(graph.inputs) != 1:
            names = ", ".join(port.tensor for port in graph.inputs)
            raise Error(f"{folder}: a folder serves networks with one input, this one has {names}; expected a .npz")
        suffixes = (*picture.SUFFIXES, ".npy")
        self._files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in suffixes)
        self._files = self._files[: arguments.samples]
        if not self._files:
            raise Error(f"{folder}: expected pictures or .npy files, found none")
        (port,), (tensor,) = graph.inputs, graph.input_tensors
        shift = 128 if port.dtype == np.uint8 else 0
        scale = None if tensor.scale is None else float(tensor.scale)
        self._info = TensorInfo(port.tensor, tensor.shape, port.dtype, scale, tensor.zero_point + shift)
        self._arguments = arguments

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for file in self._files:
            if file.suffix == ".npy":
                yield _load(file)
            else:
                yield picture.read(file, self._info, self._arguments)


def _arrays(path: Path, graph: intaglio.Graph) -> dict[str, NDArray[Any]]:
    """The array of every input."""
    from intaglio.errors import Error

    names = [port.tensor for port in graph.inputs]
    loaded = _load(path)
    if isinstance(loaded, np.ndarray):
        arrays = {names[0]: loaded}
    elif set(names) <= set(loaded):
        arrays = {name: loaded[name] for name in names}
    elif len(names) == 1 and len(loaded) == 1:
        arrays = {names[0]: next(iter(loaded.values()))}
    else:
        raise Error(f"{path}: expected arrays named {', '.join(names)}, got {', '.join(loaded)}")
    if len(arrays) != len(names):
        raise Error(f"{path}: expected a .npz with an array for each input: {', '.join(names)}")
    return arrays


def _load(path: Path) -> Any:
    """An array mapped from its file, or the arrays of a .npz by name."""
    from intaglio.errors import Error

    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise Error(f"{path}: expected a .npy or .npz file: {error}") from error

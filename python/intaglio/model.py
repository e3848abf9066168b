"""Loading a network and running it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from intaglio import _core, sources
from intaglio.arrays import TensorInfo, check_batch, check_outputs, fit, ordered, to_floats
from intaglio.errors import InputError, NotQuantizedWarning

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from intaglio.frontends import FileBytes
    from intaglio.graph import Graph

__all__ = ["Model", "PlanStep", "TensorInfo", "load"]

_MAGIC = b"INTAGLIO"


class PlanStep(NamedTuple):
    """One step of a run: which kernel does it, why that one, and its size. Bytes are those of the node's tensors."""

    node: str
    op: str
    kernel: str
    reason: str
    macs: int
    bytes: int
    threads: int


class Model(_core.Engine):
    """A loaded network: immutable, and callable from any number of threads at once. Made by `intaglio.load`.

    ``model(x)`` takes an array for each input and returns an array, or a tuple of them. Where every input and output
    has a leading axis of 1, any batch size may be given. A float array for a quantized input is quantized with the
    input's scale, and the outputs then come back as floats; arrays of the input's own dtype give the outputs' own
    integers. ``raw=True`` and ``raw=False`` ask for integers and floats whatever was given.

    ``out`` takes an array, or a tuple of one for each output, which the results are written into and which is returned:
    C-contiguous, of the dtype and shape that the result would have, and apart from the inputs in memory.
    """

    def __init__(self, file: object, isa: str, threads: int, constants: Sequence[object] = ()) -> None:
        super().__init__(file, isa, threads, constants)
        self._input_infos = tuple(TensorInfo(*port) for port in self._inputs())
        self._output_infos = tuple(TensorInfo(*port) for port in self._outputs())

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        return self._input_infos

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        return self._output_infos

    def run(
        self,
        inputs: Mapping[str, ArrayLike],
        *,
        raw: bool | None = None,
        out: Mapping[str, NDArray[Any]] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Arrays by input name in, arrays by output name out; otherwise as calling the model."""
        arrays = ordered(inputs, self._input_infos, "input")
        into = None if out is None else tuple(ordered(out, self._output_infos, "output"))
        outputs = self(*arrays, out=into) if raw is None else self._call(*arrays, raw=raw, out=into)
        if isinstance(outputs, tuple):
            return {info.name: array for info, array in zip(self._output_infos, outputs, strict=True)}
        return {self._output_infos[0].name: outputs}

    def plan(self) -> list[PlanStep]:
        """What a run does on this CPU, step by step."""
        return [PlanStep(*step) for step in self._steps()]

    def profile(self, inputs: ArrayLike | Mapping[str, ArrayLike], repeats: int = 20) -> list[int]:
        """Median nanoseconds of every step of `plan`, over ``repeats`` runs of the first sample."""
        arrays = ordered(inputs, self._input_infos, "input") if isinstance(inputs, Mapping) else (inputs,)
        fitting, _ = self._fit(arrays)
        times = self._profile(tuple(fitting), repeats)
        return [int(median) for median in np.median(times, axis=0)]

    def __repr__(self) -> str:
        def ports(infos: Sequence[TensorInfo]) -> str:
            return ", ".join(f"{info.name} {info.dtype}{list(info.shape)}" for info in infos)

        return f"<intaglio.Model {ports(self.inputs)} -> {ports(self.outputs)}; {self.isa}>"

    def _call(
        self, *arrays: ArrayLike, raw: bool | None = None, out: NDArray[Any] | tuple[NDArray[Any], ...] | None = None
    ) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """What calling the model does with arrays that do not fit as they are."""
        fitting, quantized = self._fit(arrays)
        as_given = not quantized if raw is None else raw
        into = None
        if out is not None:
            into = out if isinstance(out, tuple) else (out,)
            check_outputs(into, fitting, self._output_infos, batchable=self._batchable, raw=as_given)
        outputs = self._run(tuple(fitting), into if as_given else None)
        if not as_given:
            results = outputs if isinstance(outputs, tuple) else (outputs,)
            floats = tuple(to_floats(array, info) for array, info in zip(results, self._output_infos, strict=True))
            if into is not None:
                for target, array in zip(into, floats, strict=True):
                    target[...] = array
            outputs = floats if isinstance(outputs, tuple) else floats[0]
        return outputs if out is None else out

    def _fit(self, arrays: Sequence[ArrayLike]) -> tuple[list[NDArray[Any]], bool]:
        """The arrays as the engine takes them, and whether floats were quantized on the way."""
        infos = self._input_infos
        if len(arrays) != len(infos):
            names = ", ".join(f"'{info.name}'" for info in infos)
            raise InputError(f"expected {len(infos)} inputs ({names}), got {len(arrays)}")
        fitted = [fit(array, info, self._batchable) for array, info in zip(arrays, infos, strict=True)]
        check_batch([array for array, _ in fitted], infos, self._batchable)
        return [array for array, _ in fitted], any(quantized for _, quantized in fitted)


def load(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Graph,
    *,
    threads: int | None = None,
    isa: str | None = None,
    requant: str = "float32",
) -> Model:
    """Load a network: a path, bytes, binary file object or `Graph`.

    ``threads`` is the most to use (default: every core this process may use), taken only where it pays. ``isa`` forces
    an instruction-set tier (`intaglio.cpu.tiers`); so does the environment variable INTAGLIO_ISA. ``requant`` is the
    rounding of converted formats: "float32", or "fixed" for the bits of TFLite's reference kernels; an `.intaglio` file
    or graph already says which it uses.
    """
    if threads is None:
        threads = _core.usable_cores()
    elif isinstance(threads, bool) or not isinstance(threads, int | np.integer):
        raise TypeError(f"threads: expected a positive integer or None, got {threads!r}")
    elif threads < 1:
        raise ValueError(f"threads: expected a positive integer or None, got {threads}")
    if requant not in ("float32", "fixed"):
        raise ValueError(f"requant: expected 'float32' or 'fixed', got {requant!r}")
    if isa is None:
        isa = os.environ.get("INTAGLIO_ISA", "")
    elif not isinstance(isa, str):
        raise TypeError(f"isa: expected the name of a tier or None, got {isa!r}")
    file, constants = _engine_file(source, requant)
    return Model(file, isa, min(int(threads), 1 << 16), constants)


def _engine_file(source: Any, requant: str) -> tuple[FileBytes | bytearray, Sequence[NDArray[Any]]]:
    """An `.intaglio` file in memory, and its constants where they lie apart from it."""
    # Imported where they are used: an `.intaglio` file needs none of it.
    if not sources.is_file(source):
        from intaglio.graph import Graph
        from intaglio.serialize.writer import separate

        if isinstance(source, Graph):
            source.validate()
            return separate(source)
        raise TypeError(f"source: expected a path, bytes, a binary file or a Graph, got {type(source).__name__}")
    data = sources.read(source, mapped=True)
    if data[: len(_MAGIC)] == _MAGIC:
        return data, ()
    from intaglio.conversion import converted
    from intaglio.serialize.writer import separate

    graph = converted(data, requant, sources.folder(source))
    if not any(tensor.dtype == np.int8 for tensor in graph.tensors.values()):
        message = "the network is not quantized and runs in float32: intaglio.quantize makes it smaller and faster"
        warnings.warn(NotQuantizedWarning(message), stacklevel=3)
    return separate(graph)

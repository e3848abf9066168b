"""Each engine at its best settings, on a network of one input and one output.

`calls` are ways to get an answer: some from array to array, some with both in the engine's own memory all the time. The
fastest one counts. `answer` is what another input gives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from litert import LiteRT


class Setup(NamedTuple):
    file: Path
    x: NDArray[Any]
    threads: int
    #: A tier of Intaglio's. The environment tells the others, where they can be told: see processes.py.
    isa: str | None


class Engine(Protocol):
    calls: dict[str, Callable[[], object]]

    def answer(self, x: NDArray[Any]) -> NDArray[Any]: ...


class IntaglioEngine:
    def __init__(self, setup: Setup) -> None:
        import intaglio
        from intaglio import _core

        self._model = intaglio.load(setup.file, threads=setup.threads, isa=setup.isa)
        self.calls: dict[str, Callable[[], object]] = {"model(x)": partial(self._model, setup.x)}
        self.dots = partial(_core.measure_dots, self._model.isa)
        self.round_trip = _core.measure_round_trip
        self.own_memory = {"arena_bytes": self._model.arena_bytes, "weight_bytes": self._model.weight_bytes}

    def answer(self, x: NDArray[Any]) -> NDArray[Any]:
        y: NDArray[Any] = self._model(x)
        return y


class OnnxRuntimeEngine:
    """All optimizations, and the batch size known beforehand."""

    def __init__(self, setup: Setup) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = setup.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name("batch", len(setup.x))
        self._session = onnxruntime.InferenceSession(str(setup.file), options, providers=["CPUExecutionProvider"])
        (port,), (output,) = self._session.get_inputs(), self._session.get_outputs()
        self._name = port.name
        self._input = onnxruntime.OrtValue.ortvalue_from_numpy(setup.x)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(port.name, self._input)
        binding.bind_output(output.name)
        self._session.run_with_iobinding(binding)
        # What the first run allocated is bound for all others to write to.
        (self._output,) = binding.get_outputs()
        binding.bind_ortvalue_output(output.name, self._output)
        self.calls: dict[str, Callable[[], object]] = {
            "run": partial(self._session.run, None, {port.name: setup.x}),
            "run_with_iobinding": partial(self._session.run_with_iobinding, binding),
        }

    def answer(self, x: NDArray[Any]) -> NDArray[Any]:
        (y,) = self._session.run(None, {self._name: x})
        return np.asarray(y)


class OpenVinoEngine:
    """Compiled for latency and for this very shape, tensors shared with NumPy."""

    def __init__(self, setup: Setup) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(str(setup.file))
        model.reshape({model.input(0): list(setup.x.shape)})
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": setup.threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            # Where the CPU has bfloat16, that is the default: between int8 layers, which is slower, and for float32.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()
        self._input = openvino.Tensor(setup.x, shared_memory=True)
        self._request.set_input_tensor(self._input)
        self.calls: dict[str, Callable[[], object]] = {
            "infer": partial(self._request.infer, share_inputs=True, share_outputs=True),
            "start_async, wait": self._start_and_wait,
        }

    def _start_and_wait(self) -> None:
        self._request.start_async()
        self._request.wait()

    def answer(self, x: NDArray[Any]) -> NDArray[Any]:
        self._input.data[:] = x
        self._request.infer()
        y: NDArray[Any] = self._request.get_output_tensor(0).data.copy()
        return y


class LiteRTEngine:
    """With XNNPACK, its default kernels."""

    def __init__(self, setup: Setup) -> None:
        self._interpreter = LiteRT(setup.file, setup.threads, len(setup.x))
        self.calls: dict[str, Callable[[], object]] = {
            "set_tensor, invoke, get_tensor": partial(self._interpreter, setup.x),
            "invoke": self._interpreter.invoke,
        }

    def answer(self, x: NDArray[Any]) -> NDArray[Any]:
        (y,) = self._interpreter(x)
        return y


ENGINES: Final[dict[str, Callable[[Setup], Engine]]] = {
    "Intaglio": IntaglioEngine,
    "ONNX Runtime": OnnxRuntimeEngine,
    "OpenVINO": OpenVinoEngine,
    "LiteRT": LiteRTEngine,
}

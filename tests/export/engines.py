"""Running exported networks with other engines."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

Array = NDArray[Any]


def run_onnxruntime(data: bytes, inputs: dict[str, Array], *, optimized: bool = True) -> dict[str, Array]:
    """Outputs by name. Without optimizations every operator runs by itself, in float32."""
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    levels = runtime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    results = session.run(None, inputs)
    return dict(zip((output.name for output in session.get_outputs()), results, strict=True))


def run_openvino(data: bytes, inputs: dict[str, Array]) -> dict[str, Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        openvino = pytest.importorskip("openvino", reason="needs openvino")
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(data), "CPU")
        return {output.any_name: np.asarray(value) for output, value in compiled(inputs).items()}


def one_by_one(run: Any, data: bytes, name: str, batch: Array) -> dict[str, Array]:
    """The outputs for every sample of a batch, joined."""
    parts = [run(data, {name: batch[i : i + 1]}) for i in range(len(batch))]
    return {output: np.concatenate([part[output] for part in parts]) for output in parts[0]}

"""Small ONNX networks, and what ONNX Runtime and the oracle make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from intaglio import reference
from intaglio.conversion import convert
from intaglio.graph import Graph

Shape = Sequence[int | str]
MICROSOFT = "com.microsoft"


def node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    """Names with spaces between; "-" is an input left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=f"{op}_{outputs.split(maxsplit=1)[0]}", **attributes)


def network(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    constants: Mapping[str, Any] | None = None,
    *,
    outputs: str = "y",
    opset: int = 17,
    dtypes: Mapping[str, Any] | None = None,
) -> bytes:
    """A file. Ports are float32 unless ``dtypes`` says otherwise."""

    def port(name: str, shape: Shape | None) -> onnx.ValueInfoProto:
        dtype = np.dtype((dtypes or {}).get(name, np.float32))
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)

    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(
        nodes,
        "network",
        [port(name, shape) for name, shape in inputs.items()],
        [port(name, None) for name in outputs.split()],
        initializers,
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()


def feeds(graph: Graph, seed: int = 0, low: float = -2.0, high: float = 2.0) -> dict[str, NDArray[Any]]:
    """Random values for the inputs of a graph."""
    rng = np.random.default_rng(seed)

    def values(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        if dtype.kind == "f":
            return rng.uniform(low, high, shape).astype(np.float32)
        limits = np.iinfo(np.int8 if dtype.itemsize > 1 else dtype)
        return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)

    return {port.tensor: values(graph.tensors[port.tensor].shape, port.dtype) for port in graph.inputs}


def run_onnxruntime(data: bytes, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def run(data: bytes, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The oracle's answers; the graph is validated."""
    graph = convert(data)
    graph.validate()
    return reference.run(graph, inputs)


def check(data: bytes, *, seed: int = 0, low: float = -2.0, high: float = 2.0, tolerance: float = 2e-6) -> Graph:
    """Names, types, shapes and values are those of ONNX Runtime, up to float32 rounding; gives the graph."""
    graph = convert(data)
    inputs = feeds(graph, seed, low, high)
    expected = run_onnxruntime(data, inputs)
    results = run(data, inputs)
    assert list(results) == list(expected)
    for name, value in expected.items():
        assert results[name].dtype == value.dtype, name
        assert results[name].shape == value.shape, name
        scale = max(1.0, float(np.abs(value[np.isfinite(value)]).max(initial=0)))
        np.testing.assert_allclose(results[name], value, rtol=0, atol=tolerance * scale, err_msg=name)
    return graph


def ops(graph: Graph) -> list[str]:
    return [n.op for n in graph.nodes]


def weights(*shape: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


__all__ = ["MICROSOFT", "TensorProto", "check", "feeds", "network", "node", "ops", "run", "run_onnxruntime", "weights"]

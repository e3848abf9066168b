"""The oracle: every op in NumPy, written from docs/arithmetic.md, and a runner for whole graphs.

Integers are int64 and sums of products float64 where that is exact, so nothing here can wrap or round unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import DTypeError, InputError, ShapeError
from intaglio.reference import (
    conversion,
    detection,
    elementwise,
    float32,
    float32_sums,
    gemm,
    integer,
    lstm,
    movement,
    reductions,
    resampling,
    softmax,
)
from intaglio.rules.view import NodeView, listed

if TYPE_CHECKING:
    from intaglio.graph import Graph

__all__ = ["run"]

_OPS: Final[dict[str, Callable[..., NDArray[Any] | tuple[NDArray[Any], ...]]]] = {
    "conv2d": gemm.conv2d,
    "depthwise_conv2d": gemm.depthwise_conv2d,
    "transposed_conv2d": gemm.transposed_conv2d,
    "fully_connected": gemm.fully_connected,
    "batch_matmul": gemm.batch_matmul,
    "add": elementwise.add,
    "sub": elementwise.sub,
    "mul": elementwise.mul,
    "maximum": elementwise.maximum,
    "minimum": elementwise.minimum,
    "lookup": elementwise.lookup,
    "max_pool2d": reductions.max_pool2d,
    "average_pool2d": reductions.average_pool2d,
    "mean": reductions.mean,
    "softmax": softmax.softmax,
    "arg_max": reductions.arg_max,
    "arg_min": reductions.arg_min,
    "reshape": movement.reshape,
    "transpose": movement.transpose,
    "slice": movement.slice_,
    "pad": movement.pad,
    "concat": movement.concat,
    "broadcast_to": movement.broadcast_to,
    "resize_nearest": resampling.resize_nearest,
    "resize_bilinear": resampling.resize_bilinear,
    "quantize": conversion.quantize,
    "dequantize": conversion.dequantize,
    "float_conv2d": float32_sums.float_conv2d,
    "float_depthwise_conv2d": float32_sums.float_depthwise_conv2d,
    "float_transposed_conv2d": float32_sums.float_transposed_conv2d,
    "float_matmul": float32_sums.float_matmul,
    "float_binary": float32.float_binary,
    "float_unary": float32.float_unary,
    "float_pool2d": float32.float_pool2d,
    "float_reduce": float32.float_reduce,
    "float_softmax": float32.float_softmax,
    "float_resize_bilinear": float32.float_resize_bilinear,
    "float_prelu": float32.float_prelu,
    "gather": movement.gather,
    "dynamic_quantize": conversion.dynamic_quantize,
    "integer_conv2d": integer.integer_conv2d,
    "integer_matmul": integer.integer_matmul,
    "cast": conversion.cast,
    "integer_binary": integer.integer_binary,
    "gather_nd": movement.gather_nd,
    "lstm": lstm.lstm,
    "detection_postprocess": detection.detection_postprocess,
}


def run(graph: Graph, inputs: Mapping[str, NDArray[Any]], *, all_tensors: bool = False) -> dict[str, NDArray[Any]]:
    """Run a graph on arrays of its input ports' dtypes; the outputs by name, in their ports' dtypes.

    The leading axis of the inputs may be any multiple of the graph's own; the runs are then independent and their
    results are joined along that axis. ``all_tensors`` returns every computed tensor too, as stored (int8).
    """
    values = _checked(graph, inputs)
    own, given = _batches(graph, values)
    if own == given:
        return _run_once(graph, values, all_tensors)
    if not given:
        shapes = {p.tensor: (0, *graph.tensors[p.tensor].shape[1:]) for p in graph.outputs}
        return {p.tensor: np.zeros(shapes[p.tensor], p.dtype) for p in graph.outputs}
    parts = [
        _run_once(graph, {n: v[i : i + own] for n, v in values.items()}, all_tensors) for i in range(0, given, own)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run_once(graph: Graph, inputs: Mapping[str, NDArray[Any]], all_tensors: bool) -> dict[str, NDArray[Any]]:
    values: dict[str, NDArray[Any]] = {t.name: t.data for t in graph.tensors.values() if t.data is not None}
    computed = {p.tensor: _shifted(inputs[p.tensor], np.dtype(np.int8)) for p in graph.inputs}
    values |= computed
    for node in graph.nodes:
        view = NodeView.of(node, graph.tensors)
        # IEEE arithmetic goes through infinities and NaN without a word.
        with np.errstate(all="ignore"):
            made = _OPS[node.op](view, *(values[name] for name in node.inputs))
        for tensor, result in zip(view.outputs, made if isinstance(made, tuple) else (made,), strict=True):
            assert result.shape == tensor.shape and result.dtype == tensor.dtype, node.name
            values[tensor.name] = computed[tensor.name] = result
    ports = {p.tensor: _shifted(values[p.tensor], p.dtype) for p in graph.outputs}
    return {**computed, **ports} if all_tensors else ports


def _shifted(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """int8 to uint8 or back, where ``dtype`` is the other of the two."""
    if {values.dtype, dtype} != {np.dtype(np.int8), np.dtype(np.uint8)}:
        return values
    return (values.view(np.uint8) ^ 0x80).view(dtype)


def _checked(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    names = [p.tensor for p in graph.inputs]
    if set(inputs) != set(names):
        raise InputError(f"inputs: expected {listed(names)}, got {listed(inputs)}")
    values = {}
    for port in graph.inputs:
        value, shape = np.asarray(inputs[port.tensor]), graph.tensors[port.tensor].shape
        values[port.tensor] = value.copy(order="C")
        if value.dtype != port.dtype:
            raise DTypeError(f"input '{port.tensor}': dtype: expected {port.dtype}, got {value.dtype}")
        if value.ndim != len(shape) or value.shape[1:] != shape[1:]:
            raise ShapeError(f"input '{port.tensor}': shape: expected {listed(shape)}, got {listed(value.shape)}")
    return values


def _batches(graph: Graph, values: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
    """The leading axis the graph has, and the one the inputs have."""
    shapes = {name: graph.tensors[name].shape for name in values}
    if all(values[name].shape == shape for name, shape in shapes.items()):
        return 1, 1
    owns = {shape[:1] for shape in shapes.values()} | {graph.tensors[p.tensor].shape[:1] for p in graph.outputs}
    givens = {value.shape[0] for value in values.values() if value.ndim}
    own, given = next(iter(owns)), next(iter(givens))
    if len(owns) > 1 or len(givens) > 1 or not own or not own[0] or given % own[0]:
        got = ", ".join(f"'{name}' {listed(value.shape)}" for name, value in values.items())
        raise ShapeError(f"leading axis: expected a multiple of the graph's, equal for all inputs, got {got}")
    return own[0], given

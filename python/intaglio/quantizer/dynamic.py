"""The dynamic scheme: weights are int8, activations are quantized anew in every run.

A layer becomes: quantize x, an exact integer sum of products, back to floats by the scales of both, bias, bounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intaglio.graph import Graph, Node
from intaglio.grids import Grid
from intaglio.opset import FloatBinary, FloatUnary
from intaglio.passes.fuse_activations import SUMS
from intaglio.quantizer.choose_grids import channel_axis, weight_grid
from intaglio.quantizer.options import PerNode
from intaglio.quantizer.rebuild import Rebuild

_LIMIT = 2**31
_LAYERS = tuple(op for op in SUMS if op != "float_transposed_conv2d")


def quantize_dynamically(graph: Graph, chosen: set[str], options: PerNode) -> Graph:
    """Every chosen convolution and matrix product with constant weights whose sums fit int32."""
    rebuild = Rebuild(graph)
    for node in graph.nodes:
        weight = graph.tensors[node.inputs[1]].data if node.op in _LAYERS else None
        if node.name in chosen and weight is not None:
            axis = channel_axis(node, graph.tensors[node.inputs[1]])
            grid = weight_grid(weight, axis if options.of(node).per_channel else None)
            integers = grid.rounded(weight)
            terms = np.abs(np.moveaxis(integers, axis, 0).astype(np.int64).reshape(weight.shape[axis], -1))
            if 255 * terms.sum(axis=1).max(initial=0) < _LIMIT:
                _emit(rebuild, node, integers, grid)
                continue
        rebuild.keep(node)
    return rebuild.finish()


def _emit(b: Rebuild, node: Node, integers: NDArray[np.int8], grid: Grid) -> None:
    name = node.name
    q, scale, zero_point = b.dynamic_quantize(node.inputs[0], name=f"{name}/quantize")
    total = _sum(b, node, q, zero_point, integers)
    factor = b.constant(np.atleast_1d(grid.scale), name=f"{name}/weight_scale")
    scales = b.float_binary(FloatBinary.MUL, scale, factor, name=f"{name}/scale")
    real = b.float_binary(FloatBinary.MUL, b.cast(total, np.float32, name=f"{name}/cast"), scales, name=f"{name}/real")
    bounds = b.source.tensors[node.inputs[3]].data
    assert bounds is not None
    bias, shape = b.bring(node.inputs[2]), b.tensor(real).shape
    end = {"name": name, "output": node.outputs[0]}
    add = {"kind": FloatBinary.ADD}
    if np.isinf(bounds).all():
        b.node("float_binary", (real, bias), add, shape=shape, dtype=np.float32, **end)  # type: ignore[arg-type]
        return
    y = b.float_binary(FloatBinary.ADD, real, bias, name=f"{name}/biased")
    inputs = (y, b.bring(node.inputs[3]))
    b.node("float_unary", inputs, {"kind": FloatUnary.CLIP}, shape=shape, dtype=np.float32, **end)  # type: ignore[arg-type]


def _sum(b: Rebuild, node: Node, q: str, zero_point: str, integers: NDArray[np.int8]) -> str:
    """The int32 sum; a depthwise convolution is one with as many groups as channels."""
    name = f"{node.name}/sum"
    if node.op == "float_matmul":
        return b.integer_matmul(q, zero_point, integers, name=name)
    groups = node.attrs.get("groups", b.tensor(q).shape[3])
    if node.op == "float_depthwise_conv2d":
        integers = np.ascontiguousarray(np.moveaxis(integers, 2, 0)[..., None])
    stride, padding, dilation = (node.attrs[part] for part in ("stride", "padding", "dilation"))
    assert isinstance(groups, int) and isinstance(stride, tuple) and isinstance(padding, tuple)
    return b.integer_conv2d(
        q, zero_point, integers, stride=stride, padding=padding, dilation=dilation, groups=groups, name=name
    )

"""The weight-only scheme: weights are stored as int8 and the network computes in floats.

A layer's weights become two nodes, the cast of its integers and their product with the scales.
"""

from __future__ import annotations

import numpy as np

from intaglio.graph import Graph
from intaglio.opset import FloatBinary
from intaglio.passes.fuse_activations import SUMS
from intaglio.quantizer.choose_grids import channel_axis, weight_grid
from intaglio.quantizer.options import PerNode
from intaglio.quantizer.rebuild import Rebuild


def quantize_weights(graph: Graph, chosen: set[str], options: PerNode) -> Graph:
    """Every chosen layer with constant weights."""
    rebuild = Rebuild(graph)
    made: dict[str, str] = {}
    for node in graph.nodes:
        weight = graph.tensors[node.inputs[1]] if node.op in SUMS else None
        if weight is None or weight.data is None or node.name not in chosen:
            rebuild.keep(node)
            continue
        if weight.name not in made:
            axis = channel_axis(node, weight)
            grid = weight_grid(weight.data, axis if options.of(node).per_channel else None)
            along = [-1 if i == grid.axis else 1 for i in range(len(weight.shape))]
            stored = rebuild.constant(grid.rounded(weight.data), name=f"{weight.name}/int8")
            scale = rebuild.constant(grid.scale.reshape(along), name=f"{weight.name}/scale")
            real = rebuild.cast(stored, np.float32, name=f"{weight.name}/cast")
            made[weight.name] = rebuild.float_binary(FloatBinary.MUL, real, scale, name=f"{weight.name}/float32")
        rebuild.replace_inputs(node, (node.inputs[0], made[weight.name], *node.inputs[2:]))
    return rebuild.finish()

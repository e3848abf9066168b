"""From a float graph with grids to a graph of integer ops.

A node becomes an integer op where its inputs, weights and output lie on grids and the op set has an exact form of it;
otherwise it stays float, a float island, with its inputs dequantized and its output rounded where that has a grid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from intaglio.builder.core import RequantName
from intaglio.graph import Graph, Node
from intaglio.grids import Grids
from intaglio.passes.fuse_clamps import fuse_clamps
from intaglio.passes.propagate_grids import propagate_grids
from intaglio.passes.remove_dead import remove_dead
from intaglio.passes.to_integer import elementwise, movement, reductions, sums
from intaglio.passes.to_integer.lowering import Lowering

__all__ = ["FORMS", "to_integer"]

#: Emits the integer form of a node and says whether there is one.
FORMS: Final[dict[str, Callable[[Lowering, Node], bool]]] = {
    "float_conv2d": sums.conv2d,
    "float_depthwise_conv2d": sums.depthwise_conv2d,
    "float_transposed_conv2d": sums.transposed_conv2d,
    "float_matmul": sums.matmul,
    "float_binary": elementwise.binary,
    "float_unary": elementwise.unary,
    "float_prelu": elementwise.prelu,
    "float_pool2d": reductions.pool2d,
    "float_reduce": reductions.reduce,
    "float_softmax": reductions.softmax,
    "float_resize_bilinear": movement.resize_bilinear,
    "concat": movement.concat,
    "pad": movement.pad,
    **dict.fromkeys(("reshape", "transpose", "slice", "broadcast_to", "resize_nearest", "gather"), movement.moved),
}


def to_integer(graph: Graph, grids: Grids, *, requant: RequantName = "float32") -> Graph:
    """The graph in integers; ``requant`` says how accumulators become int8 (docs/arithmetic.md)."""
    grids = propagate_grids(graph, grids)
    lowering = Lowering(graph, grids, requant)
    for node in graph.nodes:
        has_grids = node.op in FORMS and lowering.grid(node.outputs[0]) is not None
        if node.op in ("arg_max", "arg_min") and lowering.grid(node.inputs[0]) is not None:
            lowering.keep_result(node, node.op, (lowering.operand(node.inputs[0]).name,))
        elif not has_grids or not FORMS[node.op](lowering, node):
            lowering.keep(node)
    for port in graph.outputs:
        lowering.want_output(port)
    # A clip that rounding has made idle still names the tensor whose values it gives.
    return remove_dead(fuse_clamps(lowering.build()))

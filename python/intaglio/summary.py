"""A graph as a table for people."""

from __future__ import annotations

import math

from intaglio.graph import Graph, Node
from intaglio.liveness import peak_bytes
from intaglio.rules.view import NodeView, listed


def macs(graph: Graph, node: Node) -> int:
    """Multiply-accumulates of one run of a node; 0 for ops that are not sums of products."""
    view = NodeView.of(node, graph.tensors)
    outputs = math.prod(view.output.shape)
    match node.op:
        case "conv2d" | "float_conv2d" | "integer_conv2d":
            return outputs * math.prod(view["weight"].shape[1:])
        case "depthwise_conv2d" | "float_depthwise_conv2d":
            return outputs * math.prod(view["weight"].shape[:2])
        case "transposed_conv2d" | "float_transposed_conv2d":
            return math.prod(view["x"].shape[:3]) * math.prod(view["weight"].shape)
        case "fully_connected":
            return outputs * view["weight"].shape[1]
        case "batch_matmul" | "float_matmul" | "integer_matmul":
            return outputs * view["a"].shape[-1]
        case _:
            return 0


def parameter_bytes(graph: Graph, node: Node) -> int:
    """Bytes of the constants a node reads."""
    return sum(graph.tensors[n].nbytes for n in set(node.inputs) if graph.tensors[n].constant is not None)


def shorten(name: str, width: int = 40) -> str:
    """The end of a long name, which is what tells nodes apart."""
    return name if len(name) <= width else "..." + name[3 - width :]


def summary(graph: Graph) -> str:
    """One row per node, totals, and the ports."""
    rows = [("node", "op", "output", "MACs", "parameter bytes")]
    for node in graph.nodes:
        shape = listed(graph.tensors[node.outputs[0]].shape)
        rows.append((shorten(node.name), node.op, shape, f"{macs(graph, node):,}", f"{parameter_bytes(graph, node):,}"))
    total_macs = sum(macs(graph, node) for node in graph.nodes)
    total_bytes = sum(t.nbytes for t in graph.tensors.values() if t.constant is not None)
    rows.append((f"{len(graph.nodes)} nodes", "", "", f"{total_macs:,}", f"{total_bytes:,}"))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]

    def line(row: tuple[str, ...]) -> str:
        cells = [cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 8)
    ports = [
        f"{kind:<7} {port.tensor}: {port.dtype} {listed(graph.tensors[port.tensor].shape)}"
        for kind, group in (("input", graph.inputs), ("output", graph.outputs))
        for port in group
    ]
    peak = f"peak    {peak_bytes(graph):,} bytes of activations"
    return "\n".join([*ports, peak, "", line(rows[0]), rule, *map(line, rows[1:-1]), rule, line(rows[-1])])

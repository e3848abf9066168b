"""How many bytes of activations a graph keeps at once."""

from __future__ import annotations

from intaglio.graph import Graph


def peak_bytes(graph: Graph) -> int:
    """The most activation bytes alive at any node (docs/format.md, "Peak").

    An activation lives from the node that makes it, inputs from the start, to the last node that reads it, outputs to
    the end.
    """
    last = {name: i for i, node in enumerate(graph.nodes) for name in (*node.inputs, *node.outputs)}
    end = max(len(graph.nodes) - 1, 0)
    last.update({port.tensor: 0 for port in graph.inputs if port.tensor not in last})
    last.update({port.tensor: end for port in graph.outputs})
    dying: dict[int, int] = {}
    sizes = {name: t.nbytes for name, t in graph.tensors.items() if t.constant is None}
    for name, size in sizes.items():
        dying[last[name]] = dying.get(last[name], 0) + size
    alive = peak = sum(sizes[port.tensor] for port in graph.inputs)
    for i, node in enumerate(graph.nodes):
        alive += sum(sizes[name] for name in node.outputs)
        peak = max(peak, alive)
        alive -= dying.get(i, 0)
    return peak

"""What a float graph goes through before it runs or is quantized."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from intaglio.graph import Graph, Port
from intaglio.passes.fold_batch_norm import fold_batch_norm
from intaglio.passes.fold_constants import fold_constants
from intaglio.passes.fuse_activations import fuse_activations
from intaglio.passes.recognize_activations import recognize_activations
from intaglio.passes.remove_dead import remove_dead
from intaglio.passes.sequence import in_order

_PASSES = (remove_dead, fold_constants, recognize_activations, fold_batch_norm, fuse_activations, remove_dead)


def simplify_float(graph: Graph, rounded: Collection[str] = ()) -> Graph:
    """The passes for float graphs in order. Tensors that are ``rounded`` where they are made stay as they are."""
    ports = {port.tensor for port in (*graph.inputs, *graph.outputs)}
    computed = {name for node in remove_dead(graph).nodes for name in node.outputs} - ports
    held = tuple(Port(name, graph.tensors[name].dtype) for name in rounded if name in computed)
    guarded = replace(graph, outputs=(*graph.outputs, *held))
    return replace(in_order(_PASSES, guarded), outputs=graph.outputs)

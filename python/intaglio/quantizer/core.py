"""From a float network and examples of its input to an int8 one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from intaglio.calibration import Statistics, calibrate
from intaglio.conversion import Source, convert
from intaglio.errors import QuantizationError
from intaglio.graph import Graph
from intaglio.passes import simplify
from intaglio.passes.fold_batch_norm import fold_batch_norm
from intaglio.passes.fold_constants import fold_constants
from intaglio.passes.fuse_activations import fuse_activations
from intaglio.passes.remove_dead import remove_dead
from intaglio.passes.to_integer import to_integer
from intaglio.quantizer.choose_grids import activation_grids, check_constants, ranges_to_measure, weight_grids
from intaglio.quantizer.correct_bias import correct_bias, inputs_to_measure
from intaglio.quantizer.dynamic import quantize_dynamically
from intaglio.quantizer.equalize import equalize
from intaglio.quantizer.groups import groups
from intaglio.quantizer.options import NodeOptions, Options, names
from intaglio.quantizer.selection import selected
from intaglio.quantizer.weight_only import quantize_weights


def quantize(
    source: Source,
    calibration: Iterable[Any] | Statistics = (),
    *,
    weights: str = "int8",
    activations: str = "int8",
    scheme: str = "static",
    calibration_method: str = "mse",
    per_channel: bool = True,
    recover: Iterable[str] | str = ("equalize", "bias"),
    keep_float: Iterable[str] | str = (),
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    progress: bool = True,
    seed: int = 0,
) -> Graph:
    """The int8 network of a float one: a path, bytes, binary file or `Graph`; `.onnx` or `.tflite`.

    ``calibration`` gives examples of the input, as arrays, dicts or tuples, and is read once; statistics that were
    measured before serve too. docs/quantization.md describes the other settings.
    """
    default = NodeOptions(activations, per_channel, calibration_method)
    options = Options(scheme, weights, names(recover), names(keep_float), dict(overrides or {}), default)
    graph = prepare(convert(source))
    per_node = options.per_node(graph)
    chosen = selected(graph, options.kept_float(graph))
    recipe = options.recipe() | {"seed": seed}
    if "equalize" in options.recover:
        graph, factors = equalize(graph, chosen)
        recipe["equalization"] = {name: [float(f) for f in factor] for name, factor in factors.items()}
    if scheme == "dynamic":
        return _finished(quantize_dynamically(graph, chosen, per_node), graph, recipe)
    if scheme == "weight_only":
        return _finished(quantize_weights(graph, chosen, per_node), graph, recipe)
    nodes = [node for node in graph.nodes if node.name in chosen]
    sharing = groups(graph, chosen)
    means = inputs_to_measure(graph, nodes) if "bias" in options.recover else []
    measured = sorted({*ranges_to_measure(graph, sharing, per_node), *means})
    statistics = calibration
    if not isinstance(statistics, Statistics):
        statistics = calibrate(graph, statistics, tensors=measured, method=calibration_method, progress=progress)
    grids = activation_grids(graph, sharing, statistics, per_node)
    on_weights = weight_grids(graph, nodes, grids, per_node)
    if "bias" in options.recover:
        graph = correct_bias(graph, nodes, on_weights, statistics)
    return _finished(to_integer(graph, grids | on_weights), graph, recipe)


def prepare(graph: Graph) -> Graph:
    """The float graph that is calibrated and quantized: constants computed, batch norm and activations folded."""
    quantized = [tensor for tensor in graph.tensors.values() if tensor.scale is not None]
    if quantized:
        name = quantized[0].name
        raise QuantizationError(f"the network is quantized already: expected floats, got int8 in tensor '{name}'")
    for rewrite in (fold_constants, fold_batch_norm, fuse_activations, remove_dead):
        graph = rewrite(graph)
    check_constants(graph)
    return graph


def _finished(graph: Graph, source: Graph, recipe: dict[str, Any]) -> Graph:
    if not any(tensor.dtype == np.int8 for tensor in graph.tensors.values()):
        raise QuantizationError("nothing to quantize: no node of the network has an integer form")
    return simplify(replace(graph, metadata={**source.metadata, "quantization": recipe}))

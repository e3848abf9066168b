"""From a float network and examples of its input to an int8 one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from intaglio.calibration import Statistics
from intaglio.calibration import calibrate as measure
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
from intaglio.quantizer.options import NodeOptions, Options, PerNode, names
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

    ``calibration`` gives examples of the input, as arrays, dicts or tuples, and is read once; or it is what `calibrate`
    made of them. docs/quantization.md describes the other settings.
    """
    default = NodeOptions(activations, per_channel, calibration_method)
    options = Options(scheme, weights, names(recover), names(keep_float), dict(overrides or {}), default)
    network = _Network.of(source, options)
    graph, recipe = network.graph, {**options.recipe(), "seed": seed, "equalization": network.factors}
    if scheme == "dynamic":
        return _finished(quantize_dynamically(graph, network.chosen, network.options), recipe)
    if scheme == "weight_only":
        return _finished(quantize_weights(graph, network.chosen, network.options), recipe)
    if isinstance(calibration, Statistics):
        statistics = network.check(calibration)
    else:
        statistics = network.measure(calibration, progress)
    nodes = [node for node in graph.nodes if node.name in network.chosen]
    grids = activation_grids(graph, groups(graph, network.chosen), statistics, network.options)
    on_weights = weight_grids(graph, nodes, grids, network.options)
    if "bias" in options.recover:
        graph = correct_bias(graph, nodes, on_weights, statistics)
    return _finished(to_integer(graph, grids | on_weights), recipe)


def calibrate(
    source: Source,
    calibration: Iterable[Any],
    *,
    recover: Iterable[str] | str = ("equalize", "bias"),
    keep_float: Iterable[str] | str = (),
    progress: bool = True,
) -> Statistics:
    """What `quantize` measures of a network, to be saved and given to it in place of the data.

    It serves every calibration method, and the ``recover`` and ``keep_float`` it was made with.
    """
    options = Options("static", "int8", names(recover), names(keep_float), {}, NodeOptions())
    return _Network.of(source, options).measure(calibration, progress)


@dataclass(frozen=True)
class _Network:
    """A float network that is ready to be calibrated."""

    graph: Graph
    #: The nodes that become integer.
    chosen: set[str]
    options: PerNode
    #: What equalization divided tensors by, per channel.
    factors: dict[str, list[float]]

    @classmethod
    def of(cls, source: Source, options: Options) -> _Network:
        graph = prepare(convert(source))
        per_node = options.per_node(graph)
        chosen = selected(graph, options.kept_float(graph))
        if "equalize" not in options.recover:
            return cls(graph, chosen, per_node, {})
        graph, factors = equalize(graph, chosen)
        return cls(graph, chosen, per_node, {name: factor.tolist() for name, factor in factors.items()})

    def measure(self, data: Iterable[Any], progress: bool) -> Statistics:
        """The statistics of all tensors that decide a range or correct a bias."""
        nodes = [node for node in self.graph.nodes if node.name in self.chosen]
        ranges = ranges_to_measure(self.graph, groups(self.graph, self.chosen), self.options)
        wanted = sorted({*ranges, *inputs_to_measure(self.graph, nodes)})
        statistics = measure(self.graph, data, tensors=wanted, progress=progress)
        return replace(statistics, network=self._digest)

    def check(self, statistics: Statistics) -> Statistics:
        """Statistics that were measured before; they must be of these very numbers."""
        if statistics.network != self._digest:
            raise QuantizationError(
                "calibration: expected statistics of this network, made by intaglio.calibrate with the same recover "
                "and keep_float, got those of another"
            )
        return statistics

    @property
    def _digest(self) -> str:
        """Tells networks, equalized or not, apart."""
        return sha256(replace(self.graph, metadata={}).to_bytes()).hexdigest()


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


def _finished(graph: Graph, recipe: dict[str, Any]) -> Graph:
    if not any(tensor.dtype == np.int8 for tensor in graph.tensors.values()):
        raise QuantizationError("nothing to quantize: no node of the network has an integer form")
    return simplify(replace(graph, metadata={**graph.metadata, "quantization": recipe}))

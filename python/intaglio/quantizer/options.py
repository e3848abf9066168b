"""What the caller asks for: the whole network's settings, and those of single nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from intaglio.calibration import METHODS
from intaglio.errors import QuantizationError
from intaglio.graph import Graph, Node

#: A name of a node or of a tensor it makes, or "re:" and a regular expression that matches all of one.
Pattern = str

SCHEMES: Final = ("static", "dynamic", "weight_only")
WEIGHTS: Final = ("int8",)
ACTIVATIONS: Final = ("int8", "int8_symmetric")
RECOVERIES: Final = ("equalize", "bias")


@dataclass(frozen=True)
class NodeOptions:
    """What may differ from node to node."""

    activations: str = "int8"
    per_channel: bool = True
    calibration_method: str = "mse"
    #: The range of what the node makes, in place of the calibrated one.
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class PerNode:
    """The options of every node of a graph; a tensor that no node makes has those of the whole network."""

    default: NodeOptions
    nodes: dict[str, NodeOptions]

    def of(self, node: Node | None) -> NodeOptions:
        return self.default if node is None else self.nodes[node.name]


@dataclass(frozen=True)
class Options:
    """Everything `quantize` is told, checked."""

    scheme: str
    weights: str
    recover: tuple[str, ...]
    keep_float: tuple[Pattern, ...]
    overrides: Mapping[Pattern, Mapping[str, Any]]
    default: NodeOptions

    def __post_init__(self) -> None:
        _one_of("scheme", self.scheme, SCHEMES)
        _one_of("weights", self.weights, WEIGHTS)
        for name in self.recover:
            _one_of("recover", name, RECOVERIES)
        _check(self.default)
        known = [field.name for field in fields(NodeOptions)]
        for pattern, settings in self.overrides.items():
            for name in settings:
                _one_of(f"overrides[{pattern!r}]", name, known)
            _check(replace(self.default, **settings))

    def kept_float(self, graph: Graph) -> set[str]:
        """Names of the nodes that stay float."""
        return {node.name for pattern in self.keep_float for node in _matching(graph, pattern, "keep_float")}

    def per_node(self, graph: Graph) -> PerNode:
        """The options of every node, later overrides over earlier ones."""
        options = {node.name: self.default for node in graph.nodes}
        for pattern, settings in self.overrides.items():
            for node in _matching(graph, pattern, "overrides"):
                options[node.name] = replace(options[node.name], **settings)
        return PerNode(self.default, options)

    def recipe(self) -> dict[str, Any]:
        """As the file records it."""
        recipe = asdict(self)
        return {**recipe.pop("default"), **recipe}


def names(values: Iterable[str] | str) -> tuple[str, ...]:
    """One name or several."""
    return (values,) if isinstance(values, str) else tuple(values)


def _matching(graph: Graph, pattern: Pattern, what: str) -> list[Node]:
    if pattern.startswith("re:"):
        try:
            expression = re.compile(pattern[3:])
        except re.error as error:
            raise QuantizationError(f"{what}: {pattern!r} is no regular expression: {error}") from None
        found = [n for n in graph.nodes if any(expression.fullmatch(name) for name in (n.name, *n.outputs))]
    else:
        found = [node for node in graph.nodes if pattern in (node.name, *node.outputs)]
    if not found:
        raise QuantizationError(f"{what}: {pattern!r}: expected a node or tensor of the network, got none of that name")
    return found


def _check(options: NodeOptions) -> None:
    _one_of("activations", options.activations, ACTIVATIONS)
    _one_of("calibration_method", options.calibration_method, tuple(METHODS))
    if options.range is not None:
        low, high = options.range
        if not -float("inf") < low <= high < float("inf"):
            raise QuantizationError(f"range: expected (low, high) with low <= high, both finite, got {options.range}")


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise QuantizationError(f"{what}: expected one of {', '.join(map(repr, allowed))}, got {value!r}")

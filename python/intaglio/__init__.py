"""Intaglio: int8 neural networks on CPUs, with the same bits on every CPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intaglio import cpu, errors, ops, reference
    from intaglio.builder import Builder
    from intaglio.comparison import Comparison, compare
    from intaglio.conversion import convert
    from intaglio.errors import Error
    from intaglio.graph import Graph
    from intaglio.model import Model, PlanStep, TensorInfo, load
    from intaglio.quantizer import calibrate, quantize

__all__ = [
    "Builder",
    "Comparison",
    "Error",
    "Graph",
    "Model",
    "PlanStep",
    "TensorInfo",
    "__version__",
    "calibrate",
    "compare",
    "convert",
    "cpu",
    "errors",
    "load",
    "ops",
    "quantize",
    "reference",
]

__version__ = "0.1.0"

#: Where each public name lives: modules are imported when they are first used, so that `import intaglio` costs nothing.
_MODULES = {
    "Builder": "builder",
    "Comparison": "comparison",
    "Error": "errors",
    "Graph": "graph",
    "Model": "model",
    "PlanStep": "model",
    "TensorInfo": "model",
    "calibrate": "quantizer",
    "compare": "comparison",
    "convert": "conversion",
    "load": "model",
    "quantize": "quantizer",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(f"intaglio.{_MODULES[name]}"), name)
    elif name in ("cpu", "errors", "ops", "reference"):
        value = import_module(f"intaglio.{name}")
    else:
        raise AttributeError(f"module 'intaglio' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""The errors and warnings of the package. Each names the node, tensor, input or file, what was expected and what came.

Every class is also the builtin a NumPy user would catch.
"""

from __future__ import annotations


class Error(Exception):
    """Base of every error the package raises."""


class ModelFormatError(Error, ValueError):
    """A model file is truncated, damaged, foreign or from a newer version."""


class GraphError(Error, ValueError):
    """A graph is not well formed: a name, an edge, the order of nodes or an attribute."""


class UnsupportedOpError(Error, NotImplementedError):
    """A model holds an op, or a form of one, that the engine does not compute."""


class ShapeError(Error, ValueError):
    """A shape or rank does not fit."""


class DTypeError(Error, TypeError):
    """An element type does not fit."""


class QuantizationError(Error, ValueError):
    """A scale, zero point or multiplier is missing or out of range, or an accumulator could overflow."""


class InputError(Error, ValueError):
    """What a run is given does not fit the model: a missing or unknown name, a NaN, an ``out`` it cannot write to."""


class IsaError(Error, ValueError):
    """The instruction set asked for is unknown, or this CPU lacks it."""


class MissingExtraError(Error, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class NotQuantizedWarning(UserWarning):
    """A network was loaded that computes in float32 throughout: right, but slower and larger than in int8."""

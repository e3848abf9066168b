"""Building a network from NumPy arrays.

    b = Builder()
    x = b.input("x", (1, 8, 8, 3), scale=0.02, zero_point=-5)
    y = b.conv2d(x, weights, weight_scale, bias, 0.1, 0, padding="same", activation="relu")
    b.output(b.softmax(b.mean(y, (1, 2), 0.1, 0)))
    graph = b.build()

Methods return the name of the tensor they make, and raise at once where an op's rules are broken.
"""

from __future__ import annotations

from intaglio.builder.detection import DetectionMixin
from intaglio.builder.elementwise import ElementwiseMixin
from intaglio.builder.float32 import Float32Mixin
from intaglio.builder.integer import IntegerMixin
from intaglio.builder.lstm import LstmMixin
from intaglio.builder.movement import MovementMixin
from intaglio.builder.reductions import ReductionsMixin
from intaglio.builder.resampling import ResamplingMixin
from intaglio.builder.sums import SumsMixin

__all__ = ["Builder"]


class Builder(
    SumsMixin,
    ElementwiseMixin,
    ReductionsMixin,
    MovementMixin,
    ResamplingMixin,
    Float32Mixin,
    IntegerMixin,
    DetectionMixin,
    LstmMixin,
):
    """Every op as a method; `node` is the primitive they all use."""

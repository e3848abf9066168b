"""Cases of unary functions: an input with all 256 values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from op_cases import Case, Rng, case, one, quantization, scale, zero_point
from tflite_writer import Writer

#: Unary ops without an int8 kernel in TFLite: tested against the real function.
WITHOUT_KERNEL = ("SQUARE", "SIN", "COS", "FLOOR", "CEIL", "ROUND")


def unary(op: str, x: tuple[float, int], y: tuple[float, int], net: Writer, **options: Any) -> Sequence[int]:
    tables = {"LEAKY_RELU": "LeakyReluOptions", "GELU": "GeluOptions"}
    table = tables.get(op, "")
    return one(op, net, net.input((256,), *x), net.tensor((256,), *y), table, **options)


def _drawn(op: str, **options: Any) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        return unary(op, quantization(rng), quantization(rng), net, **options)

    return make


for _op in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
    case(_op)(_drawn(_op))
for _alpha in (0.2, 0.01, 1.5, -0.3):
    case(f"LEAKY_RELU {_alpha}")(_drawn("LEAKY_RELU", Alpha=_alpha))
case("ELU", int8_only=True)(_drawn("ELU"))
case("GELU")(_drawn("GELU", Approximate=False))
case("GELU approximate")(_drawn("GELU", Approximate=True))


@case("HARD_SWISH")
def _hard_swish(net: Writer, rng: Rng) -> Sequence[int]:
    # TFLite asks for an output scale of more than 1/128 of the input's.
    return unary("HARD_SWISH", quantization(rng), quantization(rng), net)


@case("LOGISTIC")
def _logistic(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("LOGISTIC", quantization(rng), (1 / 256, -128), net)


@case("TANH")
def _tanh(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("TANH", quantization(rng), (1 / 128, 0), net)


@case("EXP", int8_only=True)
def _exp(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("EXP", (scale(rng, 0.01, 0.03), zero_point(rng)), (scale(rng), -128), net)


@case("LOG", int8_only=True)
def _log(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("LOG", (scale(rng), -128), (scale(rng, 0.02, 0.05), zero_point(rng)), net)


@case("SQRT", int8_only=True)
def _sqrt(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("SQRT", (scale(rng), -128), quantization(rng), net)


@case("RSQRT", int8_only=True)
def _rsqrt(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("RSQRT", (scale(rng), -128), quantization(rng), net)


@case("ABS", int8_only=True)
def _abs(net: Writer, rng: Rng) -> Sequence[int]:
    return unary("ABS", quantization(rng), quantization(rng), net)


@case("ABS same scale", int8_only=True)
def _abs_same(net: Writer, rng: Rng) -> Sequence[int]:
    steps, point = quantization(rng)
    return unary("ABS", (steps, point), (steps, zero_point(rng)), net)

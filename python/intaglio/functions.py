"""Real functions that become 256-entry tables. Each takes and gives float64 and has a value everywhere.

Where a function ends at zero (logarithm, roots), values below take its limit there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def relu(x: Float64) -> Float64:
    return np.maximum(x, 0.0)


def relu6(x: Float64) -> Float64:
    return np.clip(x, 0.0, 6.0)


def relu_n1_to_1(x: Float64) -> Float64:
    return np.clip(x, -1.0, 1.0)


def leaky_relu(x: Float64, alpha: float = 0.2) -> Float64:
    return np.where(x < 0, alpha * x, x)


def elu(x: Float64, alpha: float = 1.0) -> Float64:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0.0)), x)


def sigmoid(x: Float64) -> Float64:
    return 1.0 / (1.0 + np.exp(-x))


def silu(x: Float64) -> Float64:
    return x * sigmoid(x)


def softplus(x: Float64) -> Float64:
    return np.logaddexp(0.0, x)


def mish(x: Float64) -> Float64:
    return x * np.tanh(softplus(x))


def hard_sigmoid(x: Float64) -> Float64:
    return relu6(x + 3.0) / 6.0


def hard_swish(x: Float64) -> Float64:
    return x * hard_sigmoid(x)


def gelu(x: Float64, approximate: float = 0.0) -> Float64:
    """By the error function, or its tanh approximation."""
    if approximate:
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def erf(x: Float64) -> Float64:
    return np.array([math.erf(v) for v in x.ravel()]).reshape(x.shape)


def log(x: Float64) -> Float64:
    return np.log(np.maximum(x, 0.0))


def sqrt(x: Float64) -> Float64:
    return np.sqrt(np.maximum(x, 0.0))


def rsqrt(x: Float64) -> Float64:
    return 1.0 / sqrt(x)


FUNCTIONS: Final[dict[str, Callable[..., Float64]]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "cos": np.cos,
    "elu": elu,
    "erf": erf,
    "exp": np.exp,
    "floor": np.floor,
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": hard_swish,
    "leaky_relu": leaky_relu,
    "log": log,
    "mish": mish,
    "neg": np.negative,
    "relu": relu,
    "relu6": relu6,
    "relu_n1_to_1": relu_n1_to_1,
    "round": np.rint,
    "rsqrt": rsqrt,
    "sigmoid": sigmoid,
    "sign": np.sign,
    "silu": silu,
    "sin": np.sin,
    "softplus": softplus,
    "sqrt": sqrt,
    "square": np.square,
    "tanh": np.tanh,
}

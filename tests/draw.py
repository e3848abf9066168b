"""A builder together with the random choices that ops share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.builder import Builder
from intaglio.opset import Requant
from intaglio.quantization import Requantization


def full_range(rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int, dtype: Any) -> NDArray[Any]:
    """Integers over [low, high]; about one array in three holds the two ends alone, where sums are largest."""
    if rng.random() < 1 / 3:
        return rng.choice(np.array([low, high], dtype), shape)
    return rng.integers(low, high, shape, dtype, endpoint=True)


class Draw:
    """Draws from one generator into one builder."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.mode = Requant(int(rng.integers(2)))
        self.builder = Builder(requant="fixed" if self.mode is Requant.FIXED else "float32")

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high, endpoint=True))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def scale(self) -> float:
        return float(np.float32(2.0 ** self.rng.uniform(-9, 1)))

    def zero_point(self) -> int:
        return self.integer(-128, 127) if self.chance(0.7) else int(self.rng.choice([-128, -127, 0, 126, 127]))

    def channels(self) -> int:
        """Mostly small and odd, at times a full block of a kernel or many."""
        if self.chance(0.05):
            return self.integer(96, 270)
        return int(self.rng.choice([1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 48, 67]))

    def shape(self, low: int = 1, high: int = 4) -> tuple[int, ...]:
        """Any rank in [low, high], small sizes."""
        return tuple(self.integer(1, 9) for _ in range(self.integer(low, high)))

    def image(self, channels: int | None = None) -> tuple[int, int, int, int]:
        """[N,H,W,C]; at times large enough to be split among threads, at times an empty batch."""
        most = 30 if self.chance(0.05) else 12
        batch = 0 if self.chance(0.02) else self.integer(1, 3)
        return batch, self.integer(1, most), self.integer(1, most), channels or self.channels()

    def activation_input(self, name: str, shape: tuple[int, ...], like: str | None = None) -> str:
        """An int8 input, seen as int8 or uint8; with ``like``, of the same scale and zero point."""
        scale, zero_point = self.scale(), self.zero_point()
        if like is not None:
            tensor = self.builder.tensor(like)
            assert tensor.scale is not None
            scale, zero_point = float(tensor.scale), tensor.zero_point
        if self.chance(0.25):
            return self.builder.input(name, shape, scale, zero_point + 128, "uint8")
        return self.builder.input(name, shape, scale, zero_point)

    def operand(self, name: str, shape: tuple[int, ...], constant: bool) -> str:
        if not constant:
            return self.activation_input(name, shape)
        return self.builder.constant(self.int8(shape), self.scale(), self.zero_point(), name=name)

    def any_input(self, shape: tuple[int, ...]) -> str:
        """An input of any element type."""
        if self.chance(0.6):
            return self.activation_input("x", shape)
        return self.builder.input("x", shape, dtype=str(self.rng.choice(["int32", "int64", "float32"])))

    def int8(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return full_range(self.rng, shape, -128, 127, np.dtype(np.int8)).astype(np.int8)

    def bias(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.int32] | None:
        """Mostly such that accumulators spread around zero; at times none, or large."""
        if self.chance(0.15):
            return None
        reach = 2.0 ** self.integer(4, 26) if self.chance(0.15) else deviation
        return (self.rng.uniform(-1, 1, mean.shape) * reach - mean).astype(np.int32)

    def clamp(self) -> str | tuple[int, int] | None:
        if self.chance(0.25):
            low, high = sorted((self.integer(-128, 127), self.integer(-128, 127)))
            return low, high
        return [None, None, None, "relu", "relu6", "relu_n1_to_1"][self.integer(0, 5)]

    def requantization(self, spread: NDArray[np.float64] | float) -> Requantization:
        """Factors that bring accumulators of this deviation into int8, at times far from that."""
        around = np.atleast_1d(np.asarray(spread, np.float64))
        exponent = self.rng.normal(0, 1, around.shape) if self.chance(0.8) else self.rng.uniform(-20, 4, around.shape)
        if self.mode is Requant.FLOAT32 and self.chance(0.05):
            return Requantization.of_scales(2.0 ** self.rng.uniform(-126, 127, around.shape))
        if self.mode is Requant.FIXED and self.chance(0.2):
            # A multiplier need not be normalized.
            multiplier = self.rng.integers(0, 2**31, around.shape)
            return Requantization.of_multipliers(multiplier, self.rng.integers(-31, 1, around.shape))
        return Requantization.of_factors(self.mode, np.minimum(30 / around * 2.0**exponent, 1.5))

    def window(self, size: tuple[int, int], dilated: bool) -> dict[str, Any]:
        """Kernel, stride, dilation and padding that fit a map of this size."""
        kernel, dilation, padding = [1, 1], [1, 1], [0, 0, 0, 0]
        common = self.integer(1, 5)
        for axis, n in enumerate(size):
            kernel[axis] = common if self.chance(0.7) else self.integer(1, 5)
            dilation[axis] = self.integer(1, 3) if dilated and self.chance(0.3) else 1
            extent = dilation[axis] * (kernel[axis] - 1) + 1
            missing = max(extent - n, 0)
            padding[axis] = self.integer(0, extent - 1)
            padding[axis + 2] = max(missing - padding[axis], self.integer(0, extent - 1))
        named = self.chance(0.3) and all((k - 1) * d < n for k, d, n in zip(kernel, dilation, size, strict=True))
        return {
            "kernel": tuple(kernel),
            "stride": self.integer(1, 3) if self.chance(0.7) else (self.integer(1, 4), self.integer(1, 4)),
            "dilation": tuple(dilation),
            "padding": str(self.rng.choice(["same", "valid"])) if named else tuple(padding),
        }

    def pool_window(self, size: tuple[int, int]) -> dict[str, Any]:
        """Kernel, stride and padding with which every window touches a map of this size."""
        if self.chance(0.2):
            return {"kernel": size}
        window = self.window(size, dilated=False)
        del window["dilation"]
        if not isinstance(window["padding"], str):
            # Fewer positions than the kernel has keep every window touching the input, except where a long stride
            # starts the last one beyond it.
            padding = tuple(min(p, k - 1) for p, k in zip(window["padding"], window["kernel"] * 2, strict=True))
            window["kernel"] = tuple(min(k, n) for k, n in zip(window["kernel"], size, strict=True))
            window["padding"] = tuple(min(p, k - 1) for p, k in zip(padding, window["kernel"] * 2, strict=True))
        return window

    def broadcastable(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Two shapes that broadcast to ``shape``, or equal it."""
        if self.chance(0.4):
            return shape, shape
        other = tuple(1 if self.chance(0.4) else n for n in shape)[self.integer(0, len(shape)) :]
        if self.chance(0.3):
            first = tuple(
                n if i < len(shape) - len(other) or other[i - len(shape)] != n else 1 for i, n in enumerate(shape)
            )
            return (first, other) if self.chance(0.5) else (other, first)
        return (shape, other) if self.chance(0.5) else (other, shape)

    def result(self, x: str, weights: NDArray[np.int8]) -> dict[str, Any]:
        """What a sum of products says about its result; ``weights`` are [channels, terms]."""
        zw = self.zero_point() if self.chance(0.3) else 0
        w = weights.astype(np.float64) - zw
        mean = w.sum(axis=1) * (-0.5 - self.builder.tensor(x).zero_point)
        deviation = 74 * np.sqrt((w**2).sum(axis=1)) + 1
        common = {
            "bias": self.bias(mean, deviation),
            "out_scale": self.scale(),
            "out_zero_point": self.zero_point(),
            "activation": self.clamp(),
            "weight_zero_point": zw,
        }
        if self.chance(0.3):
            scale = self.rng.uniform(0.2, 2, len(w) if self.chance(0.5) else 1)
            return {**common, "weight_scale": scale, "out_scale": self.scale() * float(deviation.max())}
        spread = deviation if self.chance(0.6) else np.full(len(w), deviation.max())
        return {**common, "weight_scale": None, "requantization": self.requantization(spread)}


class LargeDraw(Draw):
    """Maps and channels enough for the kernels that leave small layers to others."""

    def channels(self) -> int:
        return int(self.rng.choice([16, 20, 24, 36, 48, 64, 67, 100, 130, 272]))

    def image(self, channels: int | None = None) -> tuple[int, int, int, int]:
        return self.integer(1, 2), self.integer(5, 14), self.integer(5, 40), channels or self.channels()

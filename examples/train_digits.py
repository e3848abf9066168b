"""Trains the demo's network with NumPy, and writes the two files the package ships.

    python examples/train_digits.py            # train (a minute or two), quantize, write both files

A small residual CNN (intaglio.demo.network) on scikit-learn's handwritten digits: batch normalization, Adam, a cosine
schedule and pictures shifted by up to a pixel. Batch normalization is then folded into the weights, and the ranges of
all activations over the training split are recorded, which is all that quantization needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.demo import network
from intaglio.demo.network import CLASSIFIER, LAYERS, Array, Layer
from quantize_digits import quantize

EPOCHS = 60
BATCH = 64
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 2e-2
MOMENTUM = 0.9
EPSILON = 1e-5
TEST_SAMPLES = 450


def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All 1,797 pictures (values 0 to 16) and labels, in a fixed shuffled order."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return data.images[order][..., None].astype(np.uint8), data.target[order].astype(np.uint8)


class Conv:
    """Convolution, batch normalization and, if the layer has one, ReLU, with their gradients."""

    def __init__(self, layer: Layer, rng: np.random.Generator) -> None:
        self.layer = layer
        fan_in = np.prod(layer.weight[1:]) if layer.kind == "conv" else layer.weight[0] * layer.weight[1]
        self.weight = (rng.standard_normal(layer.weight) * np.sqrt(2 / fan_in)).astype(np.float32)
        self.gamma = np.ones(layer.channels, np.float32)
        self.beta = np.zeros(layer.channels, np.float32)
        self.mean = np.zeros(layer.channels, np.float32)
        self.variance = np.ones(layer.channels, np.float32)

    def forward(self, x: Array) -> Array:
        z = network.convolve(self.layer, x, self.weight)
        mean, variance = z.mean(axis=(0, 1, 2)), z.var(axis=(0, 1, 2))
        self.mean += (1 - MOMENTUM) * (mean - self.mean)
        self.variance += (1 - MOMENTUM) * (variance - self.variance)
        self.x, self.inverse = x, 1 / np.sqrt(variance + EPSILON)
        self.normalized = (z - mean) * self.inverse
        y = self.normalized * self.gamma + self.beta
        self.active = y > 0 if self.layer.relu else np.ones_like(y, bool)
        return np.where(self.active, y, 0)

    def backward(self, dy: Array) -> tuple[Array, list[Array]]:
        """The gradient of the input, and of weight, gamma and beta."""
        dy = np.where(self.active, dy, 0)
        dbeta, dgamma = dy.sum(axis=(0, 1, 2)), (dy * self.normalized).sum(axis=(0, 1, 2))
        count = dy[..., 0].size
        dz = self.gamma * self.inverse * (dy - dbeta / count - self.normalized * dgamma / count)
        dx, dweight = self._backward_convolution(dz)
        return dx, [dweight, dgamma, dbeta]

    def _backward_convolution(self, dz: Array) -> tuple[Array, Array]:
        stride = self.layer.stride
        axes = (1, 2) if self.layer.kind == "conv" else (0, 1)
        kernel = self.weight.shape[axes[0]]
        windows = network.patches(self.x, kernel, stride)
        before = (max(kernel - stride, 0) if stride > 1 else kernel - 1) // 2
        n, height, width, channels = self.x.shape
        padded = np.zeros((n, height + kernel, width + kernel, channels), np.float32)
        dweight = np.empty_like(self.weight)
        for ky in range(kernel):
            for kx in range(kernel):
                rows = slice(ky, ky + stride * dz.shape[1], stride)
                columns = slice(kx, kx + stride * dz.shape[2], stride)
                tap = windows[..., ky, kx]
                if self.layer.kind == "conv":
                    dweight[:, ky, kx] = np.tensordot(dz, tap, axes=((0, 1, 2), (0, 1, 2)))
                    padded[:, rows, columns] += dz @ self.weight[:, ky, kx]
                else:
                    dweight[ky, kx] = (dz * tap).sum(axis=(0, 1, 2))
                    padded[:, rows, columns] += dz * self.weight[ky, kx]
        return padded[:, before : before + height, before : before + width], dweight

    def folded(self) -> tuple[Array, Array]:
        """Weight and bias of the same layer without batch normalization."""
        factor = self.gamma / np.sqrt(self.variance + EPSILON)
        weight = self.weight * (factor[:, None, None, None] if self.layer.kind == "conv" else factor)
        return weight.astype(np.float32), (self.beta - self.mean * factor).astype(np.float32)


class Network:
    """The layers of intaglio.demo.network, trainable."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.convs = [Conv(layer, rng) for layer in LAYERS]
        self.weight = (rng.standard_normal(CLASSIFIER) * np.sqrt(1 / CLASSIFIER[1])).astype(np.float32)
        self.bias = np.zeros(CLASSIFIER[0], np.float32)

    def parameters(self) -> list[Array]:
        convs = [parameter for conv in self.convs for parameter in (conv.weight, conv.gamma, conv.beta)]
        return [*convs, self.weight, self.bias]

    def gradients(self, x: Array, labels: NDArray[np.uint8]) -> tuple[float, list[Array]]:
        """Mean cross-entropy, and its gradient by every parameter."""
        outputs: dict[str, Array] = {}
        active: dict[str, NDArray[np.bool_]] = {}
        for conv in self.convs:
            name = conv.layer.name
            x = conv.forward(x)
            if conv.layer.residual is not None:
                x = x + outputs[conv.layer.residual]
                active[name] = x > 0
                x = np.maximum(x, 0)
            outputs[name] = x
        features = x.mean(axis=(1, 2))
        logits = features @ self.weight.T + self.bias
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        loss = float(-np.log(probabilities[rows, labels] + 1e-12).mean())
        dlogits = probabilities
        dlogits[rows, labels] -= 1
        dlogits /= len(labels)
        result = [dlogits.T @ features, dlogits.sum(axis=0)]
        dfeatures = dlogits @ self.weight
        dx = np.broadcast_to(dfeatures[:, None, None] / (x.shape[1] * x.shape[2]), x.shape)
        skipped: dict[str, Array] = {}
        for conv in reversed(self.convs):
            dx = dx + skipped.pop(conv.layer.name, np.float32(0))
            if conv.layer.residual is not None:
                dx = np.where(active[conv.layer.name], dx, 0)
                skipped[conv.layer.residual] = dx
            dx, gradients = conv.backward(dx)
            result = gradients + result
        return loss, result

    def folded(self) -> dict[str, Array]:
        parameters = {"classifier/weight": self.weight, "classifier/bias": self.bias}
        for conv in self.convs:
            parameters[f"{conv.layer.name}/weight"], parameters[f"{conv.layer.name}/bias"] = conv.folded()
        return parameters


class Adam:
    """Adam with decoupled weight decay on the weights, but not on biases and normalization."""

    def __init__(self, parameters: list[Array]) -> None:
        self.parameters = parameters
        self.first = [np.zeros_like(parameter) for parameter in parameters]
        self.second = [np.zeros_like(parameter) for parameter in parameters]
        self.step = 0

    def update(self, gradients: list[Array], rate: float) -> None:
        """Takes one step; the parameters change in place."""
        self.step += 1
        for index, gradient in enumerate(gradients):
            self.first[index] += 0.1 * (gradient - self.first[index])
            self.second[index] += 0.001 * (gradient * gradient - self.second[index])
            mean = self.first[index] / (1 - 0.9**self.step)
            deviation = np.sqrt(self.second[index] / (1 - 0.999**self.step)) + 1e-8
            decay = WEIGHT_DECAY if gradient.ndim > 1 else 0.0
            change = rate * (mean / deviation + decay * self.parameters[index])
            self.parameters[index] -= change.astype(np.float32)


def batches(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], rng: np.random.Generator
) -> Iterator[tuple[Array, NDArray[np.uint8]]]:
    """One epoch in random order, every picture shifted by up to one pixel."""
    order = rng.permutation(len(images))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = order[start : start + BATCH]
        padded = np.pad(images[chosen], ((0, 0), (1, 1), (1, 1), (0, 0)))
        shifts = rng.integers(0, 3, size=(BATCH, 2))
        shifted = np.stack([picture[y : y + 8, x : x + 8] for picture, (y, x) in zip(padded, shifts, strict=True)])
        yield shifted.astype(np.float32) / np.float32(16), labels[chosen]


def train(images: NDArray[np.uint8], labels: NDArray[np.uint8], epochs: int = EPOCHS) -> dict[str, Array]:
    """Trains and returns the folded parameters."""
    rng = np.random.default_rng(1)
    net = Network(rng)
    optimizer = Adam(net.parameters())
    steps = epochs * (len(images) // BATCH)
    for epoch in range(epochs):
        losses = []
        for x, y in batches(images, labels, rng):
            loss, gradients = net.gradients(x, y)
            losses.append(loss)
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * (optimizer.step + 1) / steps))
            optimizer.update(gradients, rate)
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1:3d}  loss {np.mean(losses):.4f}")
    return net.folded()


def accuracy(parameters: dict[str, Array], images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    return float((network.forward(parameters, images)["logits"].argmax(axis=1) == labels).mean())


def main() -> None:
    package = Path(__file__).resolve().parent.parent / "python" / "intaglio" / "demo"
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=package, help="folder for digits.npz and digits.intaglio")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()

    images, labels = digits()
    train_images, train_labels = images[TEST_SAMPLES:], labels[TEST_SAMPLES:]
    test_images, test_labels = images[:TEST_SAMPLES], labels[:TEST_SAMPLES]
    parameters = train(train_images, train_labels, arguments.epochs)
    activations = network.forward(parameters, train_images)
    ranges = {name: (float(values.min()), float(values.max())) for name, values in activations.items()}
    trained = network.Digits(parameters, ranges, test_images, test_labels)
    arrays: dict[str, NDArray[Any]] = {f"parameter/{name}": parameter for name, parameter in parameters.items()}
    arrays |= {f"range/{name}": np.array(pair, np.float32) for name, pair in ranges.items()}
    arrays |= {"images": test_images, "labels": test_labels}
    np.savez_compressed(arguments.output / "digits.npz", allow_pickle=False, **arrays)
    quantize(trained).save(arguments.output / "digits.intaglio")
    print(f"float32 accuracy on {len(test_labels)} test digits: {accuracy(parameters, test_images, test_labels):.4f}")


if __name__ == "__main__":
    main()

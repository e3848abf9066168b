"""Accuracy on the pictures of the data folder: Intaglio in both rounding modes, and LiteRT.

python benchmarks/accuracy.py [--json figures.json]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import data
import intaglio
import report
from intaglio.cli import text
from litert import LiteRT

_PICTURES_AT_ONCE = 50


def cifar10(folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pictures as int8 (pixel - 128), and labels."""
    with np.load(folder / "cifar10_dev.npz") as arrays:
        return (arrays["images"] ^ 0x80).view(np.int8), arrays["labels"]


def imagenet(folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pictures as uint8, and labels of the networks that count the background as class 0."""
    from PIL import Image

    files = sorted((folder / "images" / "imagenet_dev").glob("*.jpg"))
    pictures = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    return pictures, np.array([int(file.name[:4]) + 1 for file in files])


def share_correct(answer: Callable[[NDArray[Any]], Any], images: NDArray[Any], labels: NDArray[Any]) -> float:
    pieces = range(0, len(images), _PICTURES_AT_ONCE)
    scores = np.concatenate([answer(images[start : start + _PICTURES_AT_ONCE]) for start in pieces])
    return float((scores.argmax(axis=-1) == labels.reshape(-1)).mean())


def measure(network: Path, images: NDArray[Any], labels: NDArray[Any]) -> dict[str, float]:
    peer = LiteRT(network)
    return {
        "Intaglio": share_correct(intaglio.load(network), images, labels),
        "Intaglio, fixed": share_correct(intaglio.load(network, requant="fixed"), images, labels),
        "LiteRT": share_correct(lambda piece: np.concatenate([peer(x[None])[0] for x in piece]), images, labels),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    models = data.require_models()
    sets = {"ResNet-8": cifar10(models.parent), "MobileNetV2": imagenet(models.parent)}
    networks = {name: measure(models / data.NETWORKS[name], *pictures) for name, pictures in sets.items()}
    columns = list(next(iter(networks.values())))
    rows = [
        (name, len(sets[name][0]), *(f"{figures[column]:.2%}" for column in columns))
        for name, figures in networks.items()
    ]
    report.publish(
        "Pictures classified right",
        text.table(("network", "pictures", *columns), rows, right=("pictures", *columns)),
        {"machine": report.machine("ai-edge-litert"), "networks": networks},
        arguments.json,
    )


if __name__ == "__main__":
    main()

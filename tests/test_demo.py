"""The demo's files: reproduced by the scripts in examples/, and as accurate as they claim."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import intaglio
from intaglio import demo, reference
from intaglio.demo import network


def run_example(root: Path, script: str, *arguments: str) -> str:
    command = [sys.executable, str(root / "examples" / script), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_quantizing_the_shipped_weights_gives_the_shipped_network(root: Path, tmp_path: Path) -> None:
    run_example(root, "quantize_digits.py", str(tmp_path / "digits.intaglio"))
    assert (tmp_path / "digits.intaglio").read_bytes() == demo.model_bytes()


def test_network_equals_the_oracle() -> None:
    images = network.load().images
    expected = reference.run(intaglio.Graph.from_bytes(demo.model_bytes()), {"image": images})
    actual = intaglio.load(demo.model_bytes()).run({"image": images}, raw=True)
    np.testing.assert_array_equal(actual["logits"], expected["logits"])


def test_accuracy() -> None:
    result = demo.run()
    total = len(result.digits.labels)
    assert result.float32.correct / total >= 0.98
    assert abs(result.float32.correct - result.int8.correct) / total <= 0.005


@pytest.mark.slow
def test_training_again_is_as_accurate(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    printed = run_example(root, "train_digits.py", "--output", str(tmp_path))
    assert float(printed.split()[-1]) >= 0.98
    trained = intaglio.load(tmp_path / "digits.intaglio")
    digits = network.load()
    (logits,) = trained.run({"image": digits.images}, raw=True).values()
    assert (logits.argmax(axis=1) == digits.labels).mean() >= 0.975

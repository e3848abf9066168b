"""The example that takes a PyTorch module to an int8 network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("torch", reason="needs PyTorch")

import intaglio


def test_example(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "network.intaglio"
    command = [sys.executable, str(root / "examples" / "from_pytorch.py"), str(path)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"float32: largest difference from PyTorch (\S+)", text)
    assert found is not None and float(found[1]) < 1e-4
    found = re.search(r"int8: same class as PyTorch for ([\d.]+)%", text)
    assert found is not None and float(found[1]) > 90
    assert intaglio.load(path).inputs[0].shape == (1, 3, 32, 32)

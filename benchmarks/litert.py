"""LiteRT with its default kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray


class LiteRT:
    def __init__(self, path: Path, threads: int = 1, batch: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_path=str(path), num_threads=threads)
        if batch > 1:
            for detail in self.interpreter.get_input_details():
                self.interpreter.resize_tensor_input(detail["index"], (batch, *detail["shape"][1:]))
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def __call__(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """Arrays in, arrays out: what a caller pays for an answer."""
        for detail, array in zip(self.inputs, arrays, strict=True):
            self.interpreter.set_tensor(detail["index"], array)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(detail["index"]) for detail in self.outputs]

    def invoke(self) -> None:
        """The network alone, on the inputs of the last call."""
        self.interpreter.invoke()

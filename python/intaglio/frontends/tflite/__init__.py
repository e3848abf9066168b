"""The TFLite frontend."""

from intaglio.frontends.tflite.lower import load
from intaglio.frontends.tflite.model import is_tflite

__all__ = ["is_tflite", "load"]

"""Making an int8 network of a float one (docs/quantization.md)."""

from intaglio.quantizer.core import calibrate, quantize

__all__ = ["calibrate", "quantize"]

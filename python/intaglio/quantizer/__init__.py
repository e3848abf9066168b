"""Making an int8 network of a float one (docs/quantization.md)."""

from intaglio.quantizer.core import quantize

__all__ = ["quantize"]

"""The ONNX frontend."""

from intaglio.frontends.onnx.lower import load, read

__all__ = ["load", "read"]

"""The `.intaglio` file (docs/format.md): a graph to bytes and back."""

from __future__ import annotations

from intaglio.serialize.reader import from_bytes
from intaglio.serialize.writer import to_bytes

__all__ = ["from_bytes", "to_bytes"]

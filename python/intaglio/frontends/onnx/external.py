"""Constants that an .onnx file keeps in files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from intaglio.errors import ModelFormatError


def external_bytes(entries: Mapping[str, str], folder: str | None, name: str) -> bytes:
    """The bytes of constant ``name``; its file has to lie in the folder of the model, or below it."""
    location = entries.get("location", "")
    if folder is None:
        raise ModelFormatError(
            f"constant {name!r} lies in the file {location!r} beside the model; load the model by its path"
        )
    root = Path(folder).resolve()
    path = (root / location).resolve()
    if not location or not path.is_relative_to(root):
        raise ModelFormatError(f"constant {name!r}: expected a file in the model's folder {root}, got {location!r}")
    if not path.is_file():
        raise ModelFormatError(f"constant {name!r}: expected the file {path}, got none")
    size = path.stat().st_size
    offset, length = (_number(entries, key, name) for key in ("offset", "length"))
    start = offset or 0
    count = size - start if length is None else length
    if count < 0 or start + count > size:
        raise ModelFormatError(f"constant {name!r}: expected bytes {start} to {start + count}, {path} has {size}")
    with path.open("rb") as file:
        file.seek(start)
        return file.read(count)


def _number(entries: Mapping[str, str], key: str, name: str) -> int | None:
    if key not in entries:
        return None
    if not entries[key].isdecimal():
        raise ModelFormatError(f"constant {name!r}: {key}: expected a number, got {entries[key]!r}")
    return int(entries[key])

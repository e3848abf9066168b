"""Building resizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from intaglio.builder.core import GraphAssembler
from intaglio.builder.sums import Pair, need_rank, pair
from intaglio.errors import ShapeError
from intaglio.graph import AttrValue
from intaglio.resize_tables import bilinear_table, nearest_table


class ResamplingMixin(GraphAssembler):
    """Resizing of height and width, with TFLite's corner modes."""

    def resize_nearest(
        self,
        x: str,
        size: Pair,
        *,
        align_corners: bool = False,
        half_pixel_centers: bool = False,
        name: str | None = None,
    ) -> str:
        """The nearest source position."""
        return self._resize("resize_nearest", nearest_table, x, size, align_corners, half_pixel_centers, name, {})

    def resize_bilinear(
        self,
        x: str,
        size: Pair,
        *,
        align_corners: bool = False,
        half_pixel_centers: bool = False,
        name: str | None = None,
    ) -> str:
        """Linear in both directions."""
        table, attrs = partial(bilinear_table, self.requant), {"requant": self.requant}
        return self._resize("resize_bilinear", table, x, size, align_corners, half_pixel_centers, name, attrs)

    def _resize(
        self,
        op: str,
        table: Callable[..., NDArray[np.int32]],
        x: str,
        size: Pair,
        align_corners: bool,
        half_pixel_centers: bool,
        name: str | None,
        attrs: Mapping[str, AttrValue],
    ) -> str:
        need_rank(f"{op} input", shape := self.tensor(x).shape, 4)
        height, width = pair(size)
        if min(height, width, *shape[1:3]) < 1:
            raise ShapeError(f"{op}: expected sizes of at least 1, got {list(shape[1:3])} to {[height, width]}")
        name = name or self._fresh(op)
        tables = [
            self._part(name, part, table(old, new, align_corners=align_corners, half_pixel_centers=half_pixel_centers))
            for part, old, new in (("row", shape[1], height), ("column", shape[2], width))
        ]
        return self.node(
            op, (x, *tables), dict(attrs), shape=(shape[0], height, width, shape[3]), **self._like(x), name=name
        )

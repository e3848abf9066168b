"""Rewrites of graphs that leave every output bit as it is. A pass takes a graph and returns one.

`simplify` is what every frontend's graph goes through.
"""

from __future__ import annotations

from intaglio.graph import Graph
from intaglio.passes.elide_identities import elide_identities
from intaglio.passes.fold_pads import fold_pads
from intaglio.passes.fuse_clamps import fuse_clamps
from intaglio.passes.merge_lookups import merge_lookups
from intaglio.passes.merge_reshapes import merge_reshapes
from intaglio.passes.remove_dead import remove_dead
from intaglio.passes.sequence import in_order

__all__ = [
    "elide_identities",
    "fold_pads",
    "fuse_clamps",
    "merge_lookups",
    "merge_reshapes",
    "remove_dead",
    "simplify",
]

_PASSES = (merge_reshapes, merge_lookups, elide_identities, fuse_clamps, fold_pads, remove_dead)


def simplify(graph: Graph) -> Graph:
    """All passes in order."""
    return in_order(_PASSES, graph)

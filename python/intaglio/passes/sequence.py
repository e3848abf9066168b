"""Passes one after the other, for whoever wants to watch them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from intaglio.graph import Graph
from intaglio.passes.remove_dead import remove_dead

#: Is given the name of a pass, and what is alive of the graph before and after it.
Watcher = Callable[[str, Graph, Graph], None]

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Show the watcher every pass that runs meanwhile in this thread; each graph is validated before that."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def in_order(passes: Iterable[Callable[[Graph], Graph]], graph: Graph) -> Graph:
    """The graph after all passes."""
    watcher = _watcher.get()
    for rewrite in passes:
        before, graph = graph, rewrite(graph)
        if watcher is not None:
            # A pass may leave tensors behind that nothing makes or reads.
            live = remove_dead(graph)
            live.validate()
            watcher(rewrite.__name__, remove_dead(before), live)
    return graph

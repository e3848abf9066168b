"""What every test of refused graphs asks for."""

from __future__ import annotations

import pytest

import intaglio
from intaglio.errors import Error
from intaglio.graph import Graph


def expect_refused(graph: Graph, error: type[Error], about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker and the engine refuse the graph and name its node "it"; the engine names the reason, too."""
    with pytest.raises(Error, match="node 'it'"):
        graph.validate()
    monkeypatch.setattr(Graph, "validate", lambda self: None)
    with pytest.raises(error, match=rf"node 'it' .*{about}"):
        intaglio.load(graph.to_bytes())

"""The reader in Python and the one in C++ accept the same files: each is checked by the other's reading of the format.

Only Python parses the metadata, so files whose metadata is no longer JSON are left out.
"""

from __future__ import annotations

import numpy as np
import pytest
from strategies import random_graph
from test_mutations import mutate

import intaglio
from intaglio import _core
from intaglio.graph import Graph
from intaglio.opset import BY_NAME

_MUTATIONS = 80
#: Engines need not load graphs whose activations no test machine holds.
_LARGEST = 2**28


def refusal(file: bytes) -> str | None:
    """What the Python reader holds against a file."""
    try:
        Graph.from_bytes(file)
    except intaglio.Error as error:
        return str(error)
    return None


@pytest.mark.parametrize("op", sorted(_core.ops()))
def test_readers_agree(op: str) -> None:
    rng = np.random.default_rng(BY_NAME[op].code)
    refused = 0
    for _ in range(_MUTATIONS):
        file = mutate(random_graph(op, rng).to_bytes(), rng)
        message = refusal(file)
        if message is None:
            if max(t.nbytes for t in Graph.from_bytes(file).tensors.values()) < _LARGEST:
                intaglio.load(file, isa="scalar")
        elif not message.startswith("metadata"):
            refused += 1
            with pytest.raises(intaglio.Error):
                intaglio.load(file, isa="scalar")
    assert refused

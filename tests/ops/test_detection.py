"""detection_postprocess on every tier, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from agreement import expect_oracle, random_graphs
from hypothesis import given
from hypothesis import strategies as st
from refusals import expect_refused
from strategies import graphs

import intaglio
from intaglio.builder import Builder
from intaglio.errors import DTypeError, Error, GraphError, ModelFormatError, ShapeError
from intaglio.graph import Graph, Port


@random_graphs
@given(data=st.data())
def test_random(isa: str, data: st.DataObject) -> None:
    expect_oracle(*data.draw(graphs("detection_postprocess")), isa)


def detector(**options: Any) -> Graph:
    """Three boxes, of which the first two overlap by more than half, and two classes after the background."""
    b = Builder()
    encodings = b.constant(np.zeros((1, 3, 4), np.float32))
    anchors = [[0.5, 0.5, 0.4, 0.4], [0.5, 0.6, 0.4, 0.4], [0.2, 0.2, 0.2, 0.2]]
    scores = b.input("scores", (1, 3, 3), dtype="float32")
    options = {"classes": 2, "max_detections": 3, "name": "it", **options}
    for name in b.detection_postprocess(encodings, scores, anchors, **options):
        b.output(name)
    return b.build()


SCORES = np.array([[[1, 0.5, 0.25], [1, 0.75, 0.5], [1, 0.25, 0.625]]], np.float32)


def test_fast_suppression_keeps_the_best_of_overlapping_boxes() -> None:
    boxes, classes, scores, count = intaglio.load(detector(overlap_threshold=0.5)).run({"scores": SCORES}).values()
    assert count.tolist() == [2]
    assert classes.tolist() == [[0, 1, 0]] and scores.tolist() == [[0.75, 0.625, 0]]
    expected = np.array([[0.3, 0.4, 0.7, 0.8], [0.1, 0.1, 0.3, 0.3], [0, 0, 0, 0]])
    np.testing.assert_allclose(boxes[0], expected, rtol=1e-6)


def test_regular_suppression_treats_classes_apart() -> None:
    graph = detector(overlap_threshold=0.5, regular=True, max_detections=5)
    _, classes, scores, count = intaglio.load(graph).run({"scores": SCORES}).values()
    assert count.tolist() == [4]
    assert classes.tolist() == [[0, 1, 1, 0, 0]] and scores.tolist() == [[0.75, 0.625, 0.5, 0.25, 0]]


def test_many_boxes_on_threads(isa: str) -> None:
    rng = np.random.default_rng(5)
    b = Builder()
    anchors = np.concatenate([rng.uniform(0, 1, (20_000, 2)), rng.uniform(0, 0.3, (20_000, 2))], axis=1)
    x = b.input("x", (1, 20_000, 4), dtype="float32")
    scores = b.input("scores", (1, 20_000, 3), dtype="float32")
    for name in b.detection_postprocess(x, scores, anchors, classes=3, max_detections=40, score_threshold=0.9):
        b.output(name)
    inputs = {
        "x": rng.normal(0, 3, (1, 20_000, 4)).astype(np.float32),
        "scores": rng.integers(0, 256, (1, 20_000, 3)).astype(np.float32) / 256,
    }
    expect_oracle(b.build(), inputs, isa, threads=2)


def with_tensor(index: int, **fields: Any) -> Graph:
    graph = detector()
    (node,) = graph.nodes
    name = (*node.inputs, *node.outputs)[index]
    return replace(graph, tensors={**graph.tensors, name: replace(graph.tensors[name], **fields)})


def with_values(index: int, at: Any, value: float) -> Graph:
    graph = detector()
    data = graph.tensors[graph.nodes[0].inputs[index]].data
    assert data is not None
    data = data.copy()
    data[at] = value
    return with_tensor(index, constant=data)


def with_attr(name: str, value: int) -> Graph:
    graph = detector()
    (node,) = graph.nodes
    return replace(graph, nodes=(replace(node, attrs={**node.attrs, name: value}),))


CASES: list[tuple[str, Graph, type[Error], str]] = [
    ("classes", with_attr("classes", 1), ModelFormatError, "classes"),
    ("no_classes", with_attr("classes", 0), ModelFormatError, "classes"),
    ("max_detections", with_attr("max_detections", 2**31), ModelFormatError, "max_detections"),
    ("slots", with_attr("classes_per_detection", 2), ShapeError, "boxes"),
    ("per_class", with_attr("detections_per_class", 0), ModelFormatError, "detections_per_class"),
    ("regular", with_attr("regular", 2), ModelFormatError, "regular"),
    ("anchor", with_values(2, (1, 3), -0.1), ModelFormatError, "anchors"),
    ("anchor_nan", with_values(2, (1, 2), np.nan), ModelFormatError, "anchors"),
    ("scale", with_values(3, 2, 0.0), ModelFormatError, "parameters"),
    ("score", with_values(3, 4, np.nan), ModelFormatError, "parameters"),
    ("overlap", with_values(3, 5, 1.5), ModelFormatError, "parameters"),
    ("scores_shape", with_tensor(1, shape=(1, 4, 3)), ShapeError, "scores"),
    ("boxes_shape", with_tensor(4, shape=(1, 4, 3)), ShapeError, "boxes"),
    ("count_shape", with_tensor(7, shape=()), ShapeError, "count"),
    ("dtype", with_tensor(0, dtype=np.dtype(np.int32), constant=np.zeros((1, 3, 4), np.int32)), DTypeError, "input"),
]


@pytest.mark.parametrize(("graph", "error", "about"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_refused(graph: Graph, error: type[Error], about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expect_refused(graph, error, about, monkeypatch)


def test_anchors_are_constants() -> None:
    graph = detector()
    anchors = graph.nodes[0].inputs[2]
    computed = {**graph.tensors, anchors: replace(graph.tensors[anchors], constant=None)}
    with pytest.raises(GraphError, match="'anchors': expected a constant"):
        replace(graph, tensors=computed, inputs=(*graph.inputs, Port(anchors, np.dtype(np.float32)))).validate()

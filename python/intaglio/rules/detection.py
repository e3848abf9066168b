"""Rules of the op that turns a detector's tensors into boxes."""

from __future__ import annotations

import numpy as np

from intaglio.rules.view import FLOAT32, NodeView, listed

_INT32_MAX = 2**31 - 1


def detection_postprocess(view: NodeView) -> None:
    """[1,A,E] encodings and [1,A,S] scores of A constant anchors to lists of detections."""
    for tensor in (*view.inputs, *view.outputs):
        view.want_dtype(tensor, FLOAT32)
    _check_inputs(view)
    names = ("classes", "max_detections", "classes_per_detection", "detections_per_class")
    for name in names:
        view.want_between(name, (view.number(name),), 1, _INT32_MAX)
    view.want_between("regular", (view.number("regular"),), 0, 1)
    positions = view.number("max_detections") * view.number("classes_per_detection")
    boxes, classes, scores, count = view.outputs
    view.want_shape(boxes, (1, positions, 4))
    view.want_shape(classes, (1, positions))
    view.want_shape(scores, (1, positions))
    view.want_shape(count, (1,))


def _check_inputs(view: NodeView) -> None:
    encodings, scores = view["encodings"], view["scores"]
    view.want_rank(encodings, 3)
    view.want_rank(scores, 3)
    anchors, codes = encodings.shape[1:]
    view.want(codes >= 4, f"numbers per box of '{encodings.name}'", "4 or more", codes)
    view.want_shape(encodings, (1, anchors, codes))
    classes = view.number("classes")
    view.want(scores.shape[2] in (classes, classes + 1), "attribute 'classes'", "all scores or all but one", classes)
    view.want_shape(scores, (1, anchors, scores.shape[2]))
    sizes = view.want_constant("anchors", FLOAT32, (anchors, 4))[:, 2:]
    view.want(bool((sizes >= 0).all()), "'anchors'", "heights and widths of 0 or more", "others")
    parameters = view.want_constant("parameters", FLOAT32, (6,))
    *scales, score, overlap = parameters.tolist()
    sound = all(0 < scale < np.inf for scale in scales) and not np.isnan(score) and 0 < overlap <= 1
    expected = "four positive scales, a score and an overlap in (0, 1]"
    view.want(sound, "'parameters'", expected, listed(parameters))

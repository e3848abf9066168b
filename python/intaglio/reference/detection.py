"""From the tensors of a detector to boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.reference.float32_math import Float32, exp, to_float32
from intaglio.rules.view import NodeView


def detection_postprocess(
    view: NodeView, encodings: Float32, scores: Float32, anchors: Float32, parameters: Float32
) -> tuple[NDArray[Any], ...]:
    """Decodes every box, suppresses those that overlap better ones, lists the rest."""
    classes, slots = view.number("classes"), view.number("classes_per_detection")
    boxes = _decoded(encodings[0, :, :4], anchors, parameters[:4])
    table = scores[0, :, scores.shape[2] - classes :]
    table = np.where(np.isnan(table), np.float32(-np.inf), table)
    most = view.number("max_detections")
    entries: list[tuple[int, int, int]] = []  # position, box, class
    if view.number("regular"):
        per_class = min(view.number("detections_per_class"), most)
        found = [(i, c) for c in range(classes) for i in _suppressed(boxes, table[:, c], parameters, per_class)]
        found = sorted(found, key=lambda entry: -float(table[entry]))[:most]
        entries = [(position, i, c) for position, (i, c) in enumerate(found)]
    else:
        found = [(i, 0) for i in _suppressed(boxes, table.max(axis=1, initial=-np.inf), parameters, most)]
        for position, (i, _) in enumerate(found):
            best = np.argsort(-table[i], kind="stable")[:slots]
            entries += [(position * slots + k, i, int(c)) for k, c in enumerate(best)]
    results = [np.zeros(tensor.shape, np.float32) for tensor in view.outputs]
    for position, i, c in entries:
        results[0][0, position] = boxes[i]
        results[1][0, position] = c
        results[2][0, position] = table[i, c]
    results[3][0] = len(found)
    return tuple(results)


def _decoded(encodings: Float32, anchors: Float32, scales: Float32) -> Float32:
    """(top, left, bottom, right) of every box."""
    code, anchor, scale = (a.astype(np.float64) for a in (encodings, anchors, scales))
    centre = to_float32(code[:, :2] / scale[:2] * anchor[:, 2:] + anchor[:, :2])
    half = to_float32(0.5 * exp(code[:, 2:] / scale[2:]) * anchor[:, 2:])
    return np.concatenate([centre - half, centre + half], axis=1)


def _suppressed(boxes: Float32, scores: Float32, parameters: Float32, most: int) -> list[int]:
    """The boxes that stay, best first."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable").tolist():
        if len(kept) == most or scores[i] < parameters[4]:
            break
        if not any(_overlap(boxes[j], boxes[i]) > parameters[5] for j in kept):
            kept.append(i)
    return kept


def _overlap(a: Float32, b: Float32) -> Any:
    """The area of what two boxes share, over that of what they cover."""
    area_a, area_b = (np.float32((box[2] - box[0]) * (box[3] - box[1])) for box in (a, b))
    if area_a <= 0 or area_b <= 0:
        return np.float32(0)
    height, width = (_larger(_smaller(a[i + 2], b[i + 2]) - _larger(a[i], b[i]), np.float32(0)) for i in (0, 1))
    both = height * width
    return np.float32(both / ((area_a + area_b) - both))


def _larger(u: Any, v: Any) -> Any:
    return v if u < v else u


def _smaller(u: Any, v: Any) -> Any:
    return v if v < u else u

"""Building the end of a detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from intaglio.builder.core import GraphAssembler
from intaglio.builder.sums import need_rank
from intaglio.graph import Tensor


class DetectionMixin(GraphAssembler):
    """Boxes from a detector's tensors."""

    def detection_postprocess(
        self,
        encodings: str,
        scores: str,
        anchors: ArrayLike,
        *,
        classes: int,
        max_detections: int = 10,
        classes_per_detection: int = 1,
        detections_per_class: int = 100,
        regular: bool = False,
        scales: Sequence[float] = (10.0, 10.0, 5.0, 5.0),
        score_threshold: float = 0.0,
        overlap_threshold: float = 0.6,
        name: str | None = None,
    ) -> tuple[str, str, str, str]:
        """The names of boxes (top, left, bottom, right), classes, scores and count.

        ``encodings`` and ``anchors`` are (y, x, h, w) per box, ``scales`` those of the encodings. ``regular``
        suppresses boxes class by class, else those of all classes at once.
        """
        name = name or self._fresh("detection_postprocess")
        need_rank("detection_postprocess encodings", self.tensor(encodings).shape, 3)
        parameters = np.array([*scales, score_threshold, overlap_threshold], np.float32)
        inputs = (
            encodings,
            scores,
            self._part(name, "anchors", np.asarray(anchors, np.float32)),
            self._part(name, "parameters", parameters),
        )
        attrs = {
            "classes": classes,
            "max_detections": max_detections,
            "classes_per_detection": classes_per_detection,
            "detections_per_class": detections_per_class,
            "regular": int(regular),
        }
        positions = max_detections * classes_per_detection
        shapes = {"boxes": (1, positions, 4), "classes": (1, positions), "scores": (1, positions), "count": (1,)}
        results = [Tensor(f"{name}/{part}", shape, np.dtype(np.float32)) for part, shape in shapes.items()]
        self._add_node("detection_postprocess", name, inputs, results, dict(attrs))
        boxes, labels, box_scores, count = (result.name for result in results)
        return boxes, labels, box_scores, count

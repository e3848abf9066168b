"""TFLite_Detection_PostProcess: a detector's last operator, whose options are a FlexBuffer."""

from __future__ import annotations

import numpy as np

from intaglio.frontends.tflite.flexbuffer import read_numbers
from intaglio.frontends.tflite.lowering import FLOAT32, Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.graph import Tensor

_PARAMETERS = ("y_scale", "x_scale", "h_scale", "w_scale", "nms_score_threshold", "nms_iou_threshold")
_COUNTS = ("num_classes", "max_detections", "max_classes_per_detection")


def detection_postprocess(lowering: Lowering, op: Operator) -> None:
    """Quantized inputs are dequantized first, as TFLite does; what no detection fills is 0."""
    if len(op.outputs) != 4:
        lowering.malformed(op, f"it has {len(op.outputs)} outputs, expected boxes, classes, scores and count")
    options = op.options["custom"]
    numbers = {} if options is None else read_numbers(options.tobytes())
    missing = [name for name in (*_PARAMETERS, *_COUNTS) if name not in numbers]
    if missing:
        lowering.malformed(op, f"its options lack {', '.join(missing)}")
    anchors = lowering.constant(op, 2, "anchors")
    if anchors.dtype != FLOAT32:
        source = lowering.quantized(op, 2)
        assert source.scale is not None
        anchors = (anchors.astype(np.int32) - source.zero_point).astype(np.float32) * source.scale
    encodings, scores = _real(lowering, op, 0), _real(lowering, op, 1)
    classes, detections, slots = (_positive(lowering, op, numbers, name) for name in _COUNTS)
    positions = detections * slots
    shapes = ((1, positions, 4), (1, positions), (1, positions), (1,))
    outputs = [lowering.output(op, shape, i) for i, shape in enumerate(shapes)]
    parameters = np.array([numbers[name] for name in _PARAMETERS], np.float32)
    boxes = outputs[0]
    lowering.emit_all(
        "detection_postprocess",
        [
            encodings,
            scores,
            lowering.parameter(boxes, "anchors", anchors),
            lowering.parameter(boxes, "parameters", parameters),
        ],
        outputs,
        classes=classes,
        max_detections=detections,
        classes_per_detection=slots,
        detections_per_class=_positive(lowering, op, {"detections_per_class": 100, **numbers}, "detections_per_class"),
        regular=int(bool(numbers.get("use_regular_nms", 0))),
    )


def _positive(lowering: Lowering, op: Operator, numbers: dict[str, float], name: str) -> int:
    value = numbers[name]
    if not 1 <= value < 2**31:
        lowering.malformed(op, f"its option {name} is {value}")
    return int(value)


def _real(lowering: Lowering, op: Operator, i: int) -> Tensor:
    x = lowering.input(op, i)
    if x.dtype == FLOAT32:
        return x
    x = lowering.quantized(op, i)
    real = Tensor(x.name, x.shape, FLOAT32)
    return lowering.emit("dequantize", [x], lowering.temporary(x, "real", x.shape, real))

"""TFLite_Detection_PostProcess against TFLite's own, and its options, which are a FlexBuffer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tflite", reason="needs the extra tflite")
interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")

from flatbuffers import flexbuffers  # noqa: E402
from tflite_writer import Writer  # noqa: E402

from intaglio import reference  # noqa: E402
from intaglio.conversion import convert  # noqa: E402
from intaglio.errors import ModelFormatError  # noqa: E402
from intaglio.frontends.tflite.flexbuffer import read_numbers  # noqa: E402

OPTIONS: dict[str, Any] = {
    "max_detections": 20,
    "max_classes_per_detection": 1,
    "nms_score_threshold": 0.25,
    "nms_iou_threshold": 0.5,
    "num_classes": 4,
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
}
ANCHORS = 300


def network(dtype: str, background: int, **options: Any) -> bytes:
    rng = np.random.default_rng(3)
    net = Writer(dtype)
    scale = {"encodings": (0.05, 2), "scores": (1 / 256, -128), "anchors": (1 / 255, -128)}
    if dtype == "float32":
        scale = dict.fromkeys(scale, ())
    encodings = net.input((1, ANCHORS, 4), *scale["encodings"])
    scores = net.input((1, ANCHORS, 4 + background), *scale["scores"])
    places = np.concatenate([rng.uniform(0, 1, (ANCHORS, 2)), rng.uniform(0.1, 0.4, (ANCHORS, 2))], axis=1)
    data = places.astype(np.float32) if dtype == "float32" else (places * 255 - 128).astype(np.int8)
    anchors = net.constant(data, *scale["anchors"])
    outputs = [net.tensor((), dtype="float32") for _ in range(4)]
    net.operator("TFLite_Detection_PostProcess", [encodings, scores, anchors], outputs, **{**OPTIONS, **options})
    return net.bytes(outputs)


def inputs(dtype: str, background: int, seed: int) -> list[NDArray[Any]]:
    """Scores of which no two are equal within a class or a box: TFLite sorts these in no order of its own."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        encodings = rng.normal(0, 2, (1, ANCHORS, 4)).astype(np.float32)
        return [encodings, rng.uniform(0, 1, (1, ANCHORS, 4 + background)).astype(np.float32)]
    encodings, scores = (rng.integers(0, 256, (1, ANCHORS, n)).astype(np.uint8) for n in (4, 4 + background))
    return [encodings, scores]


@pytest.mark.parametrize(
    "options", [{}, {"use_regular_nms": True}, {"use_regular_nms": True, "detections_per_class": 3}]
)
@pytest.mark.parametrize("background", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_equals_tflite(dtype: str, background: int, options: dict[str, Any]) -> None:
    data = network(dtype, background, **options)
    litert = interpreter.Interpreter(model_content=data, num_threads=1)
    litert.allocate_tensors()
    graph = convert(data)
    graph.validate()
    for seed in range(5):
        values = inputs(dtype, background, seed)
        for detail, value in zip(litert.get_input_details(), values, strict=True):
            litert.set_tensor(detail["index"], value)
        litert.invoke()
        boxes, classes, scores, count = (litert.get_tensor(d["index"]) for d in litert.get_output_details())
        results = reference.run(graph, {p.tensor: v for p, v in zip(graph.inputs, values, strict=True)})
        got_boxes, got_classes, got_scores, got_count = (results[p.tensor] for p in graph.outputs)
        assert got_count == count > 1
        np.testing.assert_array_equal(got_classes, classes)
        np.testing.assert_array_equal(got_scores, scores)
        np.testing.assert_allclose(got_boxes, boxes, rtol=1e-6)


def test_best_classes_of_each_box() -> None:
    data = network("float32", 1, max_classes_per_detection=3)
    graph = convert(data)
    values = inputs("float32", 1, 0)
    results = reference.run(graph, {p.tensor: v for p, v in zip(graph.inputs, values, strict=True)})
    _, classes, scores, _ = (results[p.tensor] for p in graph.outputs)
    litert = interpreter.Interpreter(model_content=data)
    litert.allocate_tensors()
    for detail, value in zip(litert.get_input_details(), values, strict=True):
        litert.set_tensor(detail["index"], value)
    litert.invoke()
    _, expected_classes, expected_scores, _ = (litert.get_tensor(d["index"]) for d in litert.get_output_details())
    np.testing.assert_array_equal(classes, expected_classes)
    np.testing.assert_array_equal(scores, expected_scores)


def test_options_of_every_width() -> None:
    options = {"a": 1, "b": -300, "c": 2**40, "d": 0.5, "e": 0.1, "f": True, "long name": 7, "text": "no number"}
    numbers = read_numbers(bytes(flexbuffers.Dumps(options)))
    assert numbers == {name: value for name, value in options.items() if name != "text"}


def test_damaged_options_are_refused() -> None:
    data = bytes(flexbuffers.Dumps(OPTIONS))
    rng = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(data[: int(rng.integers(len(data) + 1))])
        if damaged:
            damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
        try:
            read_numbers(bytes(damaged))
        except ModelFormatError:
            continue
    for end in (0, 1, 2, 3):
        with pytest.raises(ModelFormatError, match="custom options"):
            read_numbers(data[:end])


def test_lacking_options_are_named() -> None:
    net = Writer("float32")
    tensors = [net.input((1, 3, 4)), net.input((1, 3, 4)), net.constant(np.zeros((3, 4), np.float32))]
    outputs = [net.tensor((), dtype="float32") for _ in range(4)]
    net.operator("TFLite_Detection_PostProcess", tensors, outputs, max_detections=3)
    with pytest.raises(ModelFormatError, match="lack y_scale, x_scale"):
        convert(net.bytes(outputs))

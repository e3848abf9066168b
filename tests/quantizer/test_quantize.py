"""Whole networks quantized: how close they stay to their floats, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from quantizable import SHAPE, images, normal, residual, skewed, sqnr

import intaglio
from intaglio import Builder, Graph, reference
from intaglio.calibration import Statistics
from intaglio.errors import InputError, QuantizationError
from intaglio.opset import FloatBinary, FloatUnary


def quantize(graph: Graph, calibration: Any = None, **settings: Any) -> Graph:
    data = images(64) if calibration is None else calibration
    return intaglio.quantize(graph, data, progress=False, **settings)


@pytest.mark.parametrize("method", ["min_max", "percentile", "mse", "entropy"])
def test_every_method_follows_the_floats(method: str) -> None:
    graph = residual()
    assert sqnr(graph, quantize(graph, calibration_method=method)) > 50


def test_integers_inside_and_floats_at_the_ends() -> None:
    ops = [node.op for node in quantize(residual()).nodes]
    assert ops[0] == "quantize"
    assert ops[-2:] == ["dequantize", "float_softmax"]
    assert {"conv2d", "add", "max_pool2d", "concat", "mean", "fully_connected"} <= set(ops)
    assert not {"float_conv2d", "float_binary", "float_matmul"} & set(ops)


def test_engine_and_oracle_agree() -> None:
    quantized, x = quantize(residual()), images(3, 4)
    (expected,) = reference.run(quantized, {"x": x}).values()
    np.testing.assert_array_equal(intaglio.load(quantized)(x), expected)


def test_equalization_and_bias_correction_recover_per_tensor_weights() -> None:
    graph = skewed()
    settings = {"per_channel": False, "calibration_method": "min_max"}
    plain = sqnr(graph, quantize(graph, recover=(), **settings))
    equalized = sqnr(graph, quantize(graph, recover="equalize", **settings))
    both = sqnr(graph, quantize(graph, **settings))
    assert plain < 12
    assert equalized > plain + 25
    assert both > 40


@pytest.mark.parametrize("activations", ["int8", "int8_symmetric"])
def test_symmetric_activations(activations: str) -> None:
    graph = residual()
    quantized = quantize(graph, activations=activations)
    points = {t.zero_point for t in quantized.tensors.values() if t.scale is not None}
    assert (points == {0}) == (activations == "int8_symmetric")
    assert sqnr(graph, quantized) > 50


@pytest.mark.parametrize("scheme", ["dynamic", "weight_only"])
def test_other_schemes(scheme: str) -> None:
    for graph in (residual(), skewed()):
        quantized = intaglio.quantize(graph, scheme=scheme)
        assert sqnr(graph, quantized) > 38
        layers = {"dynamic": "integer_conv2d", "weight_only": "float_conv2d"}
        assert layers[scheme] in [node.op for node in quantized.nodes]
        assert len(quantized.to_bytes()) < 3 * len(quantize(graph).to_bytes())


def test_layers_kept_in_float() -> None:
    graph = residual()
    quantized = quantize(graph, keep_float=("b", "re:log.*"))
    floats = [node.name for node in quantized.nodes if node.op in ("float_conv2d", "float_matmul")]
    assert floats == ["b", "logits"]
    assert sqnr(graph, quantized) > 28


def test_overrides() -> None:
    graph = residual()
    quantized = quantize(
        graph, overrides={"re:[ab]": {"per_channel": False}, "logits": {"range": (-8, 8)}, "relu": {"range": (0, 2.55)}}
    )
    nodes = {node.name: node for node in quantized.nodes}
    scales = {name: quantized.tensors[nodes[name].inputs[3]].data for name in ("a", "b", "logits")}
    assert [np.unique(scale).size == 1 for scale in scales.values()] == [True, True, False]
    assert quantized.tensors["logits"].scale == np.float32(16 / 255)
    assert quantized.tensors["relu"].scale == np.float32(2.55 / 255)


def test_tensors_that_move_values_share_a_grid() -> None:
    tensors = quantize(residual()).tensors
    grids = {(tensors[name].scale, tensors[name].zero_point) for name in ("relu", "max", "average", "both")}
    assert len(grids) == 1


def test_the_recipe_stays_with_the_file() -> None:
    graph = quantize(skewed(), keep_float="depthwise", overrides={"first": {"per_channel": False}}, seed=3)
    recipe = Graph.from_bytes(graph.to_bytes()).metadata["quantization"]
    assert recipe["scheme"] == "static"
    assert (recipe["calibration_method"], recipe["seed"]) == ("mse", 3)
    assert recipe["keep_float"] == ["depthwise"]
    assert recipe["overrides"] == {"first": {"per_channel": False}}


def test_factors_of_equalization_are_recorded() -> None:
    factors = quantize(skewed()).metadata["quantization"]["equalization"]
    assert set(factors) == {"first", "depthwise"}
    assert len(factors["first"]) == 16


@pytest.mark.parametrize("recover", [("equalize", "bias"), ("bias",), ()])
def test_statistics_can_be_saved_and_reused(recover: tuple[str, ...], tmp_path: Path) -> None:
    graph = skewed()
    statistics = intaglio.calibrate(graph, images(64), recover=recover, progress=False)
    statistics.save(tmp_path / "statistics.json")
    again = Statistics.load(tmp_path / "statistics.json")
    for method in ("mse", "min_max"):
        settings = {"recover": recover, "calibration_method": method}
        assert quantize(graph, again, **settings).to_bytes() == quantize(graph, **settings).to_bytes()


def test_statistics_of_another_network_are_refused() -> None:
    statistics = intaglio.calibrate(skewed(), images(8), progress=False)
    for graph, recover in ((residual(), ("equalize", "bias")), (skewed(), ("bias",))):
        with pytest.raises(QuantizationError, match="expected statistics of this network"):
            quantize(graph, statistics, recover=recover)


def test_preprocessing_stays_float() -> None:
    b = Builder()
    b.input("x", (1, 4, 4, 3), dtype="float32")
    x = b.float_binary(FloatBinary.MUL, "x", b.constant(np.float32([1, 100, 10000])))
    x = b.float_conv2d(x, np.full((4, 1, 1, 3), [1, 0.01, 0.0001]), activation="relu", name="c")
    b.output(b.float_unary(FloatUnary.EXP, x, name="y"))
    result = quantize(b.build(), [np.ones((4, 4, 3), np.float32)])
    ops = [node.op for node in result.nodes]
    assert ops == ["float_binary", "quantize", "conv2d", "dequantize", "float_unary"]


def test_large_biases_of_small_weights_still_fit() -> None:
    b = Builder()
    b.input("x", (1, 4, 4, 2), dtype="float32")
    w = np.array([[1.0, 1.0], [1e-12, 1e-12]], np.float32).reshape(2, 1, 1, 2)
    b.output(b.float_conv2d("x", w, np.float32([0.5, 3.0]), name="y"))
    graph = b.build()
    result = quantize(graph, images(8)[:, :4, :4, :2])
    assert "conv2d" in [node.op for node in result.nodes]
    y = intaglio.load(result)(np.zeros((1, 4, 4, 2), np.float32))
    np.testing.assert_allclose(y[0, 0, 0], [0.5, 3.0], atol=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheme": "int4"}, "scheme: expected one of 'static', 'dynamic', 'weight_only', got 'int4'"),
        ({"weights": "int4"}, "weights: expected one of 'int8', got 'int4'"),
        ({"activations": "uint8"}, "activations: expected .* got 'uint8'"),
        ({"calibration_method": "best"}, "calibration_method: expected .* got 'best'"),
        ({"recover": "luck"}, "recover: expected .* got 'luck'"),
        ({"keep_float": "nothing"}, "keep_float: 'nothing': expected a node or tensor of the network"),
        ({"keep_float": "re:["}, r"keep_float: 're:\[' is no regular expression"),
        ({"overrides": {"re:z.*": {}}}, "overrides: 're:z"),
        ({"overrides": {"a": {"bits": 4}}}, r"overrides\['a'\]: expected one of .* got 'bits'"),
        ({"overrides": {"a": {"range": (1, float("inf"))}}}, "range: expected .* finite"),
    ],
)
def test_settings_that_do_not_exist(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(QuantizationError, match=message):
        quantize(residual(), **settings)


def test_networks_that_cannot_be_quantized() -> None:
    quantized = quantize(residual())
    with pytest.raises(QuantizationError, match="is quantized already: expected floats, got int8 in tensor"):
        quantize(quantized)
    with pytest.raises(QuantizationError, match="nothing to quantize"):
        quantize(residual(), keep_float="re:.*")
    b = Builder()
    b.input("x", (1, 2), dtype="float32")
    b.output(b.float_matmul("x", np.array([[1.0], [np.nan]]), name="layer"))
    with pytest.raises(
        QuantizationError, match=r"node 'layer' \(float_matmul\): 'layer/b': expected finite .* got nan"
    ):
        quantize(b.build(), [np.zeros((1, 2), np.float32)])


def test_calibration_data_is_needed_and_checked() -> None:
    with pytest.raises(InputError, match="at least one sample"):
        intaglio.quantize(residual(), progress=False)
    with pytest.raises(InputError, match="expected finite numbers"):
        quantize(residual(), [np.full((12, 12, 3), np.nan, np.float32)])


def test_the_class_of_each_pixel_is_found_among_integers() -> None:
    b, rng = Builder(), np.random.default_rng(8)
    x = b.input("x", SHAPE, dtype="float32")
    x = b.float_conv2d(x, normal(rng, 7, 3, 3, 3, scale=0.3), normal(rng, 7), padding="same", name="scores")
    positions, halves = np.array([[i // 2, min(i // 2 + 1, 11)] for i in range(24)]), np.full(24, 0.5)
    x = b.float_resize_bilinear(x, positions, halves, positions, halves, name="grown")
    b.output(b.arg_max(x, name="y"))
    graph = b.build()
    quantized = quantize(graph, images(16))
    assert [node.op for node in quantized.nodes] == ["quantize", "conv2d", "resize_bilinear", "arg_max"]
    expected, result = (intaglio.load(g)(images(4, 9)) for g in (graph, quantized))
    assert (expected == result).mean() > 0.97

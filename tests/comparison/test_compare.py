"""Comparison of networks: which tensors are compared, whose error is whose, and the page."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_networks import SHAPE, logarithm, pair, pictures, residual

import intaglio
from intaglio import Builder, Comparison, Graph, reference
from intaglio.errors import InputError, ShapeError

IMAGES = pictures(40)


def quantized(graph: Graph | None = None, **options: Any) -> Graph:
    return intaglio.quantize(graph or residual(), IMAGES[:20], progress=False, **options)


def compared(graph: Graph, **options: Any) -> Comparison:
    return intaglio.compare(residual(), graph, IMAGES[20:], progress=False, **options)


def layers(comparison: Comparison) -> dict[str, Any]:
    return {layer.tensor: layer for layer in comparison.layers}


def broken(graph: Graph, node: str) -> Graph:
    """The network with wrong weights in one node."""
    weight = next(n.inputs[1] for n in graph.nodes if n.name == node)
    tensor = graph.tensors[weight]
    assert tensor.data is not None
    damaged = replace(tensor, constant=np.ascontiguousarray(tensor.data[::-1]))
    return replace(graph, tensors={**graph.tensors, weight: damaged})


def test_layers_come_in_the_order_in_which_they_run() -> None:
    comparison = compared(quantized())
    assert [layer.tensor for layer in comparison.layers] == [
        "x/int8",
        "first",
        "second",
        "total",
        "flat",
        "scores/int8",
    ]
    assert [layer.op for layer in comparison.layers[1:4]] == ["conv2d", "conv2d", "add"]
    assert comparison.samples == 20
    assert {layer.dtype for layer in comparison.layers} == {"int8"}
    macs = {layer.tensor: layer.macs for layer in comparison.layers}
    assert macs["first"] == 36 * 8 * 27
    assert comparison.quantized.macs == comparison.quantized.macs_int8 == sum(macs.values()) == comparison.right.macs
    assert comparison.right.macs_int8 == 0


@pytest.mark.parametrize("recover", [(), ("equalize", "bias")])
def test_a_good_network_is_near(recover: tuple[str, ...]) -> None:
    comparison = compared(quantized(recover=recover))
    for layer in comparison.layers:
        assert layer.own.sqnr > 25, layer.tensor
        assert layer.accumulated.sqnr > 20, layer.tensor
        assert layer.saturated < 0.1
    (output,) = comparison.outputs
    assert output.agreement.cosine > 0.99
    assert output.same_class is not None and output.same_class > 0.8


def test_classes_of_pixels_are_counted_where_they_are_equal() -> None:
    weights = np.random.default_rng(3).standard_normal((4, 1, 1, 3)).astype(np.float32)

    def network(weights: np.ndarray[Any, np.dtype[np.float32]]) -> Graph:
        b = Builder()
        x = b.input("x", (1, *SHAPE), dtype="float32")
        b.output(b.arg_max(b.float_conv2d(x, weights, name="scores"), name="classes"))
        return b.build()

    right, other = (network(w) for w in (weights, weights[::-1]))
    (output,) = intaglio.compare(right, right, IMAGES[:5], progress=False).outputs
    assert output.same_class == 1
    (output,) = intaglio.compare(right, other, IMAGES[:5], progress=False).outputs
    assert output.same_class == 0


def test_equalized_tensors_are_compared_in_their_own_terms() -> None:
    graph = residual()
    weight = graph.tensors["first/weight"]
    assert weight.data is not None
    uneven = weight.data * np.geomspace(0.01, 100, 8, dtype=np.float32).reshape(8, 1, 1, 1)
    chain = replace(graph, tensors={**graph.tensors, "first/weight": replace(weight, constant=uneven)})
    # Equalization needs a tensor with one reader: the sum takes the first convolution's place here.
    nodes = tuple(replace(node, inputs=("second", "second")) if node.name == "total" else node for node in chain.nodes)
    chain = replace(chain, nodes=nodes)
    int8 = quantized(chain)
    assert "first" in int8.metadata["quantization"]["equalization"]
    comparison = intaglio.compare(chain, int8, IMAGES[20:], progress=False)
    assert layers(comparison)["first"].own.sqnr > 25


def test_errors_are_those_of_the_oracle() -> None:
    graph, int8 = residual(), quantized()
    exact = reference.run(graph, {"x": IMAGES[20:]}, all_tensors=True)
    rounded = reference.run(int8, {"x": IMAGES[20:]}, all_tensors=True)
    tensor = int8.tensors["first"]
    assert tensor.scale is not None
    values = (rounded["first"].astype(np.float32) - tensor.zero_point) * tensor.scale
    layer = layers(compared(int8))["first"]
    assert layer.accumulated.mse == pytest.approx(np.mean((values - exact["first"].astype(np.float64)) ** 2), rel=1e-5)
    assert (layer.histogram.low, layer.histogram.high) == (exact["first"].min(), exact["first"].max())
    assert layer.histogram.total == exact["first"].size


@pytest.mark.parametrize("node", ["first", "second"])
def test_the_layer_that_is_wrong_is_the_worst(node: str) -> None:
    good = layers(compared(quantized()))
    comparison = compared(broken(quantized(), node))
    found = layers(comparison)
    assert comparison.worst(1)[0].tensor == node
    assert found[node].own.sqnr < 10
    for name in set(found) - {node}:
        assert found[name].own.sqnr == pytest.approx(good[name].own.sqnr, abs=1e-6)
    assert found["total"].accumulated.sqnr < good["total"].accumulated.sqnr - 10


def test_saturation_is_what_the_grid_does_not_reach() -> None:
    exact = reference.run(residual(), {"x": IMAGES[20:]}, all_tensors=True)["first"]
    int8 = quantized(overrides={"first": {"range": (0.0, 0.5)}}, recover=())
    layer = layers(compared(int8))["first"]
    assert layer.clip == pytest.approx((0, 0.5), abs=0.01)
    scale = float(int8.tensors["first"].scale or 0)
    assert layer.saturated == pytest.approx(np.mean(exact > layer.clip[1] + scale / 2))
    assert layer.saturated > 0.05


def test_float_islands_are_layers_too() -> None:
    comparison = compared(quantized(keep_float=["second"]))
    island, rounded = (layers(comparison)[name] for name in ("second", "second/int8"))
    assert (island.op, island.dtype, island.clip, island.saturated) == ("float_conv2d", "float32", None, 0)
    assert (rounded.op, rounded.dtype) == ("quantize", "int8")
    assert 30 < rounded.own.sqnr < island.own.sqnr
    assert comparison.quantized.macs_int8 == comparison.quantized.macs - 36 * 8 * 72
    assert comparison.quantized.nodes_float32 >= 1


def test_ports_of_other_names_go_by_order() -> None:
    names = {"x": "picture", "scores": "logits"}
    graph = quantized()
    text = {name: names.get(name, name) for name in graph.tensors}
    renamed = replace(
        graph,
        tensors={text[name]: replace(tensor, name=text[name]) for name, tensor in graph.tensors.items()},
        nodes=tuple(
            replace(n, inputs=tuple(text[i] for i in n.inputs), outputs=tuple(text[o] for o in n.outputs))
            for n in graph.nodes
        ),
        inputs=tuple(port._replace(tensor=text[port.tensor]) for port in graph.inputs),
        outputs=tuple(port._replace(tensor=text[port.tensor]) for port in graph.outputs),
    )
    assert compared(renamed).outputs[0].to_json() == compared(graph).outputs[0].to_json()


def test_the_metric_is_asked_of_both() -> None:
    comparison = compared(quantized(), evaluate=lambda model: float(np.abs(model(IMAGES)).mean()))
    assert comparison.metric is not None
    right, other = comparison.metric
    assert right == pytest.approx(float(np.abs(reference.run(residual(), {"x": IMAGES})["scores"]).mean()))
    assert other != right
    assert other == pytest.approx(right, rel=0.1)
    assert json.loads(comparison.to_json())["metric"] == {"float32": right, "quantized": other}


def test_wrong_data_and_networks_are_refused() -> None:
    with pytest.raises(InputError, match="at least one sample"):
        intaglio.compare(residual(), quantized(), [])
    with pytest.raises(ShapeError, match="inputs: expected 2"):
        intaglio.compare(pair(), quantized(), IMAGES)
    with pytest.raises(ShapeError, match=r"input 'x': expected shape \(1, 3\)"):
        intaglio.compare(logarithm(), quantized(), IMAGES)


def test_json_holds_every_figure() -> None:
    comparison = compared(quantized(keep_float=["second"]))
    value = json.loads(comparison.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert [layer["tensor"] for layer in value["layers"]] == [layer.tensor for layer in comparison.layers]
    assert value["layers"][1]["own"]["sqnr"] == comparison.layers[1].own.sqnr
    assert value["float32"]["bytes"] == len(residual().to_bytes())


def test_the_text_names_the_worst_layers() -> None:
    comparison = compared(broken(quantized(), "second"))
    lines = str(comparison).splitlines()
    table = lines[next(i for i, line in enumerate(lines) if "own SQNR" in line) :]
    assert table[2].startswith("second")
    assert len(table) == 2 + len(comparison.worst())


def test_the_page_is_well_formed_and_needs_nothing_else(tmp_path: Path) -> None:
    builder = Builder()
    x = builder.input("<x> & 'y'", (1, *SHAPE), dtype="float32")
    weights = np.random.default_rng(0).standard_normal((4, 1, 1, 3)).astype(np.float32)
    builder.output(builder.float_conv2d(x, weights, name='a "layer" <b>'))
    graph = builder.build()
    comparison = intaglio.compare(graph, quantized(graph), IMAGES, progress=False)
    comparison.html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    for outside in ("http", "src=", "url(", "@import", "<script"):
        assert outside not in page
    body = page[page.index("<body>") : page.index("</html>")]
    tree = ElementTree.fromstring(body)
    plots = tree.findall(".//svg")
    assert len(plots) == 2 + len(comparison.layers)
    assert len(tree.findall(".//circle")) == 2 * len(comparison.layers)
    shown = "".join(tree.itertext())
    assert all(layer.tensor in shown for layer in comparison.layers)
    assert "nan" not in page


def test_the_page_bears_exact_layers(tmp_path: Path) -> None:
    comparison = intaglio.compare(residual(), residual(), IMAGES[:2], progress=False)
    assert all(math.isinf(layer.own.sqnr) for layer in comparison.layers)
    comparison.html(tmp_path / "report.html")
    assert "exact" in (tmp_path / "report.html").read_text("utf-8")

"""Whole .onnx files: layouts and names at the edges, constants beside the file, damage, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnx
from onnx import TensorProto, helper
from onnx_networks import check, feeds, network, node, ops, run_onnxruntime, weights

from intaglio import errors, reference
from intaglio.conversion import convert

I64 = np.int64


def convolution(**inputs: Any) -> bytes:
    return network(
        [node("Conv", "x w"), node("Relu", "y", "z")], {"x": [1, 3, 5, 5]}, {"w": weights(4, 3, 3, 3)}, **inputs
    )


def edited(data: bytes, edit: Callable[[Any], object]) -> bytes:
    """A file after a change of its message."""
    proto = onnx.load_model_from_string(data)
    edit(proto)
    return bytes(proto.SerializeToString())


def test_names_shapes_and_layout_at_the_edges() -> None:
    graph = check(convolution(outputs="z y"))
    assert [port.tensor for port in graph.inputs] == ["x"]
    assert [port.tensor for port in graph.outputs] == ["z", "y"]
    assert graph.tensors["x"].shape == (1, 3, 5, 5)
    assert graph.tensors["y"].shape == (1, 4, 3, 3)
    assert "Conv_y" in {n.name for n in graph.nodes}


def test_nodes_and_tensors_keep_their_names_inside() -> None:
    nodes = [node("Conv", "x w", "a"), node("Sigmoid", "a", "b"), node("Conv", "b v")]
    graph = check(network(nodes, {"x": [1, 3, 5, 5]}, {"w": weights(4, 3, 3, 3), "v": weights(2, 4, 1, 1)}))
    assert [n.name for n in graph.nodes[1:4]] == ["Conv_a", "Sigmoid_b", "Conv_y"]
    assert graph.tensors["a"].shape == (1, 3, 3, 4)
    assert graph.tensors["b"].shape == (1, 3, 3, 4)


def test_no_transposes_inside() -> None:
    """Branches, joins, per-channel constants and changes of channels leave one at each edge."""
    nodes = [
        node("Conv", "x w", "a"),
        node("Mul", "a c", "b"),
        node("Split", "b", "d e", axis=1),
        node("Concat", "e d", "f", axis=1),
        node("Pad", "f pads", "g"),
        node("Slice", "g starts ends axes", "h"),
        node("ReduceMean", "h", "i", axes=[2, 3]),
        node("Add", "h i", "j"),
        node("DepthToSpace", "j", "k", blocksize=2),
        node("Resize", "k - scales", "l", mode="linear"),
        node("Conv", "l v", "y"),
    ]
    constants = {
        "w": weights(8, 3, 3, 3),
        "c": weights(8, 1, 1),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], I64),
        "starts": np.array([0], I64),
        "ends": np.array([-1], I64),
        "axes": np.array([2], I64),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "v": weights(3, 2, 1, 1),
    }
    graph = check(network(nodes, {"x": [1, 3, 6, 6]}, constants, opset=13), tolerance=4e-6)
    # Besides those at the edges, one is what moving channels into positions is.
    assert ops(graph).count("transpose") == 3


def test_channel_shuffle_moves_channels_only() -> None:
    nodes = [
        node("Conv", "x w", "a"),
        node("Reshape", "a split", "b"),
        node("Transpose", "b", "c", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "c joined", "d"),
        node("Conv", "d v"),
    ]
    constants = {"w": weights(6, 3, 1, 1), "v": weights(3, 6, 1, 1)}
    constants |= {"split": np.array([0, 2, 3, 4, 4], I64), "joined": np.array([0, 6, 4, 4], I64)}
    graph = check(network(nodes, {"x": [1, 3, 4, 4]}, constants), tolerance=4e-6)
    inner = [n for n in graph.nodes if n.op == "transpose"][1]
    assert inner.attrs["permutation"] == (0, 1, 2, 4, 3)


def test_channels_last_network_has_no_transpose() -> None:
    nodes = [node("Transpose", "x", "a", perm=[0, 3, 1, 2]), node("Conv", "a w", "b")]
    nodes += [node("Transpose", "b", "c", perm=[0, 2, 3, 1]), node("Reshape", "c shape")]
    constants = {"w": weights(4, 3, 3, 3), "shape": np.array([0, -1, 2], I64)}
    graph = check(network(nodes, {"x": [1, 6, 6, 3]}, constants))
    assert ops(graph) == ["float_conv2d", "reshape"]


def test_open_batch() -> None:
    data = network([node("Conv", "x w"), node("Flatten", "y", "z")], {"x": ["n", 3, 5, 5]}, {"w": weights(4, 3, 3, 3)},
                   outputs="z")  # fmt: skip
    graph = convert(data)
    x = weights(3, 3, 5, 5)
    np.testing.assert_allclose(
        reference.run(graph, {"x": x})["z"], run_onnxruntime(data, {"x": x})["z"], rtol=0, atol=1e-5
    )


def test_shapes_computed_inside() -> None:
    """As exporters write x.view(x.size(0), -1)."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n axis", "m"),
        node("Constant", "", "rest", value_ints=[-1]),
        node("Concat", "m rest", "shape", axis=0),
        node("Reshape", "x shape"),
    ]
    graph = check(network(nodes, {"x": ["n", 3, 4]}, {"zero": np.array(0, I64), "axis": np.array([0], I64)}))
    assert ops(graph) == ["reshape"]


def test_ports_that_are_one_tensor() -> None:
    """An input passed through, a constant, one value under two names."""
    nodes = [node("Identity", "x", "a"), node("Identity", "c", "b"), node("Relu", "x", "d"), node("Identity", "d", "e")]
    check(network(nodes, {"x": [2, 3]}, {"c": weights(4)}, outputs="a b d e"), tolerance=0)


def external(folder: Path, location: str, **entries: str) -> bytes:
    """A network whose weights lie in another file."""

    def move(proto: Any) -> None:
        tensor = proto.graph.initializer[0]
        (folder / "weights.bin").write_bytes(b"....." + tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, "offset": "5", **entries}.items():
            tensor.external_data.add(key=key, value=value)

    return edited(convolution(), move)


def test_constants_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(external(tmp_path, "weights.bin"))
    whole, split = convert(convolution()), convert(path)
    inputs = feeds(whole)
    np.testing.assert_array_equal(reference.run(split, inputs)["y"], reference.run(whole, inputs)["y"])


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "", "missing.bin", "."])
def test_constants_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    inner = tmp_path / "model"
    inner.mkdir()
    path = inner / "net.onnx"
    path.write_bytes(external(tmp_path, location))
    with pytest.raises(errors.ModelFormatError, match="'w'"):
        convert(path)


def test_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "model"
    inner.mkdir()
    (inner / "net.onnx").write_bytes(external(tmp_path, "link.bin"))
    (inner / "link.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(errors.ModelFormatError, match="in the model's folder"):
        convert(inner / "net.onnx")


@pytest.mark.parametrize("entries", [{"length": "9999"}, {"offset": "99999"}, {"length": "-1"}, {"offset": "x"}])
def test_ranges_beyond_the_file_are_refused(tmp_path: Path, entries: dict[str, str]) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(external(tmp_path, "weights.bin", **entries))
    with pytest.raises(errors.ModelFormatError, match="'w'"):
        convert(path)


def test_constants_beside_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelFormatError, match="load the model by its path"):
        convert(external(tmp_path, "weights.bin"))


def test_every_truncation_is_an_error() -> None:
    data = convolution()
    for length in range(1, len(data), 3):
        try:
            convert(data[:length])
        except errors.Error:
            continue
        pytest.fail(f"the first {length} of {len(data)} bytes were accepted")


def test_damage_is_an_error_or_a_network() -> None:
    rng = np.random.default_rng(0)
    data = convolution()
    for _ in range(400):
        damaged = bytearray(data)
        for position in rng.integers(1, len(data), 3):
            damaged[position] = rng.integers(256)
        try:
            convert(bytes(damaged)).validate()
        except errors.Error:
            continue


def refused(data: bytes, error: type[errors.Error], *parts: str) -> None:
    with pytest.raises(error) as caught:
        convert(data)
    for part in parts:
        assert re.search(re.escape(part), str(caught.value)), str(caught.value)


def test_unknown_operator() -> None:
    data = network([node("NonZero", "x")], {"x": [2, 3]})
    refused(data, errors.UnsupportedOpError, "NonZero (node 'NonZero_y', opset 17)", "cut it there")
    data = network([node("Mystery", "x", domain="com.acme")], {"x": [2, 3]})
    refused(data, errors.UnsupportedOpError, "com.acme.Mystery")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers(bad: float) -> None:
    w = weights(4, 3, 3, 3)
    w[1, 2, 0, 1] = bad
    data = network([node("Conv", "x w")], {"x": [1, 3, 5, 5]}, {"w": w})
    refused(data, errors.ModelFormatError, "'w'", "finite", "Conv_y")
    data = network([node("MatMul", "x w")], {"x": [1, 5, 3]}, {"w": w})
    refused(data, errors.ModelFormatError, "'w'", "finite")


@pytest.mark.parametrize("scale", [0, -0.5, 1e-40, np.inf, np.nan])
@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_scales_that_are_none(op: str, scale: float) -> None:
    dtypes = {"y" if op == "QuantizeLinear" else "x": np.uint8}
    constants = {"s": np.float32(scale), "z": np.uint8(3)}
    data = network([node(op, "x s z")], {"x": [2, 3]}, constants, dtypes=dtypes)
    refused(data, errors.QuantizationError, "'s'", "positive, finite, normal", op)


def test_shapes_that_contradict_each_other() -> None:
    refused(
        network([node("Conv", "x w")], {"x": [1, 4, 5, 5]}, {"w": weights(4, 3, 3, 3)}),
        errors.ModelFormatError,
        "Conv_y",
    )
    refused(network([node("Add", "x z")], {"x": [2, 3], "z": [4]}), errors.ModelFormatError, "(2, 3), (4,)")
    shape = {"shape": np.array([5, -1], I64)}
    refused(network([node("Reshape", "x shape")], {"x": [2, 3]}, shape), errors.ModelFormatError, "(2, 3)", "[5, -1]")


def test_inputs_that_do_not_fit() -> None:
    refused(network([node("Relu", "x")], {"x": [1, "width"]}), errors.ShapeError, "'x'", "'width'")
    refused(network([node("Relu", "x")], {"x": [1]}, dtypes={"x": np.float16}), errors.DTypeError, "'x'", "float16")
    refused(network([node("Relu", "z")], {"x": [1]}), errors.ModelFormatError, "'z'", "before anything computes it")
    refused(network([node("Add", "x")], {"x": [1]}), errors.ModelFormatError, "1 inputs")
    refused(network([node("Conv", "x -")], {"x": [1, 1, 1, 1]}), errors.ModelFormatError, "Conv_y")
    refused(network([node("Relu", "x", "a")], {"x": [1]}), errors.ModelFormatError, "nothing computes the output 'y'")


def test_values_computed_at_run_time_where_constants_are_needed() -> None:
    data = network([node("Conv", "x z")], {"x": [1, 1, 4, 4], "z": [1, 1, 2, 2]})
    refused(data, errors.UnsupportedOpError, "weights 'z'", "constant")
    data = network([node("Reshape", "x z")], {"x": [4], "z": [1]}, dtypes={"z": I64})
    refused(data, errors.UnsupportedOpError, "shape 'z'")


def test_element_types_that_are_not_computed() -> None:
    data = network([node("Add", "x c")], {"x": [2]}, {"c": np.ones(2)})
    refused(data, errors.DTypeError, "float64")
    constants = {"s": np.float32(1), "z": np.int16(0)}
    data = network([node("QuantizeLinear", "x s z")], {"x": [2]}, constants, opset=21, dtypes={"y": np.int16})
    refused(data, errors.UnsupportedOpError, "int16")


def test_old_operator_sets_are_refused() -> None:
    refused(
        network([node("Relu", "x")], {"x": [1]}, opset=5), errors.UnsupportedOpError, "opset 5", "version_converter"
    )


def test_local_functions_are_inlined() -> None:
    body = [helper.make_node("Sigmoid", ["a"], ["b"]), helper.make_node("Mul", ["a", "b"], ["c"])]
    function = helper.make_function("local", "Gate", ["a"], ["c"], body, [helper.make_opsetid("", 17)])

    def add(proto: Any) -> None:
        proto.functions.append(function)
        proto.opset_import.append(helper.make_opsetid("local", 1))

    graph = check(edited(network([node("Gate", "x", domain="local")], {"x": [2, 3]}), add))
    assert ops(graph) == ["float_unary"]


def test_recipe_is_recorded() -> None:
    metadata = convert(convolution()).metadata
    assert (metadata["source"], metadata["opset"]) == ("onnx", 17)

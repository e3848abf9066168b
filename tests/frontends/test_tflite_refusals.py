"""What is refused, and that the message names the op, its number, its output and what would help."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("tflite", reason="needs the packages tflite and flatbuffers")

from tflite_writer import Writer

from intaglio.conversion import convert
from intaglio.errors import ModelFormatError, UnsupportedOpError


def two_relus(op: str, **more: str) -> Writer:
    """The op after a RELU, so that its number is 1."""
    net = Writer()
    x, y, z = net.input((2, 4), 0.1, 0), net.tensor((2, 4), 0.1, 0), net.tensor((2, 4), 0.1, 0, name="result")
    net.operator("RELU", [x], [y])
    net.operator(op, [y], [z], **more)
    return net


def custom() -> bytes:
    return two_relus("PosenetDecoderOp").bytes([2])


def unknown_op() -> bytes:
    return two_relus("CUMSUM", table="CumsumOptions").bytes([2])


def lstm() -> bytes:
    return two_relus("UNIDIRECTIONAL_SEQUENCE_LSTM").bytes([2])


def control_flow() -> bytes:
    return two_relus("RELU").bytes([2], subgraphs=2)


def int16() -> bytes:
    net = Writer()
    x, y = net.input((2,), 0.1, 0), net.tensor((2,), 0.1, 0, dtype="int16")
    net.operator("QUANTIZE", [x], [y])
    return net.bytes([y])


def activation_of_two_scales() -> bytes:
    net = Writer()
    x, y = net.input((2,), [0.1, 0.2], [0, 0]), net.tensor((2,), 0.1, 0)
    net.operator("RELU", [x], [y])
    return net.bytes([y])


def weights_along_another_axis() -> bytes:
    net = Writer()
    x, y = net.input((1, 4), 0.1, 0), net.tensor((1, 4), 0.1, 0)
    w = net.constant(np.ones((4, 4), np.int8), [0.1] * 4, [0] * 4, axis=1)
    net.operator("FULLY_CONNECTED", [x, w, -1], [y], "FullyConnectedOptions")
    return net.bytes([y])


def fused_tanh() -> bytes:
    net = Writer()
    x, y = net.input((4,), 0.1, 0), net.tensor((4,), 0.1, 0)
    net.operator("ADD", [x, x], [y], "AddOptions", FusedActivationFunction=4)
    return net.bytes([y])


def computed_axis() -> bytes:
    net = Writer()
    x, axis, y = net.input((4,), 0.1, 0), net.input((1,), dtype="int32"), net.tensor((), dtype="int32")
    net.operator("ARG_MAX", [x, axis], [y], "ArgMaxOptions", OutputType=2)
    return net.bytes([y])


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (custom, r"CUSTOM 'PosenetDecoderOp' \(operator 1, computing 'result'\).*cut the network"),
        (unknown_op, r"CUMSUM \(operator 1, computing 'result'\)"),
        (lstm, r"UNIDIRECTIONAL_SEQUENCE_LSTM \(operator 1"),
        (control_flow, "2 subgraphs.*export a single signature"),
        (int16, "'t1' has element type int16.*export with int8"),
        (activation_of_two_scales, "'t0' has 2 scales; exactly one"),
        (weights_along_another_axis, "4 scales along axis 1"),
        (fused_tanh, r"ADD \(operator 0.*activation TANH"),
        (computed_axis, r"ARG_MAX \(operator 0.*axis is computed while the network runs"),
    ],
)
def test_unsupported(network: Callable[[], bytes], message: str) -> None:
    with pytest.raises(UnsupportedOpError, match=message):
        convert(network())


def test_tensor_that_nothing_computes() -> None:
    net = Writer()
    x, missing, y = net.input((4,), 0.1, 0), net.tensor((4,), 0.1, 0, name="missing"), net.tensor((4,), 0.1, 0)
    net.operator("ADD", [x, missing], [y], "AddOptions")
    with pytest.raises(ModelFormatError, match=r"ADD \(operator 0.*'missing' is used before anything computes it"):
        convert(net.bytes([y]))


def test_tensor_computed_twice() -> None:
    net = Writer()
    x, y = net.input((4,), 0.1, 0), net.tensor((4,), 0.1, 0)
    net.operator("RELU", [x], [y])
    net.operator("RELU", [x], [y])
    with pytest.raises(ModelFormatError, match=r"operator 1.*computed twice"):
        convert(net.bytes([y]))


def test_shapes_that_do_not_fit() -> None:
    net = Writer()
    x, b, y = net.input((4,), 0.1, 0), net.input((3,), 0.1, 0), net.tensor((4,), 0.1, 0)
    net.operator("ADD", [x, b], [y], "AddOptions")
    with pytest.raises(ModelFormatError, match=r"\(4,\) and \(3,\) do not broadcast"):
        convert(net.bytes([y]))

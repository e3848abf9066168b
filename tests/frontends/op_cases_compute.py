"""Cases of ops that compute new values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from op_cases import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SAME,
    VALID,
    Case,
    Rng,
    bias,
    case,
    image,
    int8s,
    like,
    one,
    quantization,
    scale,
    weights,
    zero_point,
)
from tflite_writer import Writer


def _conv(padding: int, stride: int, dilation: int, activation: int, groups: int = 1) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 1, 9, 8, 6)
        w = weights(net, rng, (8, 3, 2, 6 // groups), 0)
        size = [-(-n // stride) if padding == SAME else (n - d * (k - 1) - 1) // stride + 1
                for n, k, d in ((9, 3, dilation), (8, 2, dilation))]  # fmt: skip
        y = net.tensor((1, *size, 8), *quantization(rng))
        net.operator("CONV_2D", [x, w, bias(net, rng, x, w, 8)], [y], "Conv2DOptions", Padding=padding, StrideW=stride,
                     StrideH=stride, DilationWFactor=dilation, DilationHFactor=dilation,
                     FusedActivationFunction=activation)  # fmt: skip
        return [y]

    return make


case("CONV_2D same")(_conv(SAME, 1, 1, NONE))
case("CONV_2D strided relu6")(_conv(SAME, 2, 1, RELU6))
case("CONV_2D dilated valid relu")(_conv(VALID, 1, 2, RELU))
case("CONV_2D grouped", int8_only=True)(_conv(SAME, 1, 1, NONE, groups=2))


def _depthwise(multiplier: int, stride: int, dilation: int) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        channels = 5 * multiplier
        x = image(net, rng, 1, 9, 8, 5)
        w = weights(net, rng, (1, 3, 3, channels), 3)
        y = net.tensor((1, -(-9 // stride), -(-8 // stride), channels), *quantization(rng))
        net.operator("DEPTHWISE_CONV_2D", [x, w, bias(net, rng, x, w, channels)], [y], "DepthwiseConv2DOptions",
                     Padding=SAME, StrideW=stride, StrideH=stride, DepthMultiplier=multiplier,
                     DilationWFactor=dilation, DilationHFactor=dilation,
                     FusedActivationFunction=RELU_N1_TO_1)  # fmt: skip
        return [y]

    return make


case("DEPTHWISE_CONV_2D")(_depthwise(1, 1, 1))
case("DEPTHWISE_CONV_2D multiplier strided")(_depthwise(3, 2, 1))
case("DEPTHWISE_CONV_2D dilated")(_depthwise(1, 1, 2))


def _transpose_conv(padding: int, with_bias: bool) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        shape = (1, 10, 8, 3) if padding == SAME else (1, 11, 9, 3)
        x = image(net, rng, 1, 5, 4, 6)
        w = weights(net, rng, (3, 3, 3, 6), 0)
        y = net.tensor(shape, *quantization(rng))
        inputs = [net.constant(np.array(shape, np.int32)), w, x]
        inputs += [bias(net, rng, x, w, 3)] if with_bias else []
        net.operator("TRANSPOSE_CONV", inputs, [y], "TransposeConvOptions", Padding=padding, StrideW=2, StrideH=2)
        return [y]

    return make


case("TRANSPOSE_CONV same")(_transpose_conv(SAME, True))
case("TRANSPOSE_CONV valid without bias")(_transpose_conv(VALID, False))


@case("FULLY_CONNECTED")
def _fully_connected(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 3, 5)
    w = net.constant(int8s(rng, 7, 15), scale(rng, 0.002, 0.02), zero_point(rng))
    y = net.tensor((2, 7), *quantization(rng))
    return one("FULLY_CONNECTED", net, [x, w, bias(net, rng, x, w, 7)], y, "FullyConnectedOptions",
               FusedActivationFunction=RELU)  # fmt: skip


@case("FULLY_CONNECTED keep_num_dims without bias")
def _fully_connected_kept(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 3, 5)
    w = net.constant(int8s(rng, 7, 5), scale(rng, 0.002, 0.02), 0 if net.dtype == "int8" else zero_point(rng))
    y = net.tensor((2, 3, 7), *quantization(rng))
    return one("FULLY_CONNECTED", net, [x, w, -1], y, "FullyConnectedOptions", KeepNumDims=True)


@case("FULLY_CONNECTED per channel", int8_only=True)
def _fully_connected_per_channel(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 4, 33)
    w = weights(net, rng, (7, 33), 0)
    y = net.tensor((4, 7), *quantization(rng))
    return one("FULLY_CONNECTED", net, [x, w, bias(net, rng, x, w, 7)], y, "FullyConnectedOptions")


def _batch_matmul(adj_x: bool, adj_y: bool, constant: bool) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        a = image(net, rng, *((2, 6, 4) if adj_x else (2, 4, 6)))
        shape = (5, 6) if adj_y else (6, 5)
        b = net.constant(int8s(rng, *shape), *quantization(rng)) if constant else image(net, rng, 2, *shape)
        y = net.tensor((2, 4, 5), scale(rng, 0.1, 0.5), zero_point(rng))
        return one("BATCH_MATMUL", net, [a, b], y, "BatchMatMulOptions", AdjX=adj_x, AdjY=adj_y)

    return make


case("BATCH_MATMUL", int8_only=True)(_batch_matmul(False, False, False))
case("BATCH_MATMUL adjoint", int8_only=True)(_batch_matmul(True, True, False))
case("BATCH_MATMUL constant", int8_only=True)(_batch_matmul(False, False, True))


def _binary(op: str, table: str, shape: Sequence[int], constant: bool = False, activation: int = NONE) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 2, 4, 3, 5)
        b = net.constant(int8s(rng, *shape), *quantization(rng)) if constant else image(net, rng, *shape)
        y = net.tensor((2, 4, 3, 5), *quantization(rng))
        return one(op, net, [x, b], y, table, FusedActivationFunction=activation)

    return make


for _op, _table in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
    case(_op)(_binary(_op, _table, (2, 4, 3, 5)))
    case(f"{_op} broadcast relu")(_binary(_op, _table, (2, 1, 3, 1), activation=RELU))
    case(f"{_op} constant")(_binary(_op, _table, (5,), constant=True))


def _extremum(op: str) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 2, 4, 5)
        b = like(net, x, (4, 1))
        net.inputs.append(b)
        return one(op, net, [x, b], like(net, x, (2, 4, 5)), "MaximumMinimumOptions")

    return make


for _op in ("MAXIMUM", "MINIMUM"):
    case(_op)(_extremum(_op))


def _prelu(shape: Sequence[int]) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 1, 4, 3, 5)
        alpha = net.constant(int8s(rng, *shape), scale(rng), zero_point(rng))
        return one("PRELU", net, [x, alpha], net.tensor((1, 4, 3, 5), *quantization(rng)))

    return make


case("PRELU")(_prelu((1, 1, 5)))
case("PRELU one slope")(_prelu((1, 1, 1)))


def _pool(op: str, padding: int, stride: int, activation: int) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 1, 9, 8, 5)
        size = [-(-n // stride) if padding == SAME else (n - k) // stride + 1 for n, k in ((9, 3), (8, 2))]
        return one(op, net, x, like(net, x, (1, *size, 5)), "Pool2DOptions", Padding=padding, StrideW=stride,
                   StrideH=stride, FilterWidth=2, FilterHeight=3, FusedActivationFunction=activation)  # fmt: skip

    return make


for _op in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
    case(f"{_op} same")(_pool(_op, SAME, 2, NONE))
    case(f"{_op} valid relu6")(_pool(_op, VALID, 1, RELU6))


def _mean(axes: Sequence[int], keep: bool) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 2, 7, 6, 5)
        normal = {a % 4 for a in axes}
        shape = [1 if i in normal else n for i, n in enumerate((2, 7, 6, 5)) if keep or i not in normal]
        inputs = [x, net.constant(np.array(axes, np.int32))]
        return one("MEAN", net, inputs, net.tensor(shape, *quantization(rng)), "ReducerOptions", KeepDims=keep)

    return make


case("MEAN of image")(_mean((1, 2), False))
case("MEAN kept")(_mean((1, 2), True))
case("MEAN of channels")(_mean((-1,), False))
case("MEAN of all but batch")(_mean((1, 2, 3), True))


def _softmax(shape: Sequence[int], beta: float) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, *shape)
        return one("SOFTMAX", net, x, net.tensor(shape, 1 / 256, -128), "SoftmaxOptions", Beta=beta)

    return make


case("SOFTMAX")(_softmax((3, 10), 1.0))
case("SOFTMAX of long rows")(_softmax((1, 1001), 1.0))
case("SOFTMAX with beta")(_softmax((2, 3, 4), 2.5))


def _arg(op: str, axis: int, dtype: str) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 2, 7, 5)
        shape = [n for i, n in enumerate((2, 7, 5)) if i != axis % 3]
        output_type = {"int32": 2, "int64": 4}[dtype]
        table = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
        inputs = [x, net.constant(np.array(axis, np.int32))]
        return one(op, net, inputs, net.tensor(shape, dtype=dtype), table, OutputType=output_type)

    return make


case("ARG_MAX")(_arg("ARG_MAX", -1, "int64"))
case("ARG_MIN")(_arg("ARG_MIN", 1, "int32"))


def _resize(op: str, size: tuple[int, int], align: bool, half: bool) -> Case:
    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, 1, 5, 7, 3)
        table = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
        inputs = [x, net.constant(np.array(size, np.int32))]
        return one(op, net, inputs, like(net, x, (1, *size, 3)), table, AlignCorners=align, HalfPixelCenters=half)

    return make


for _size in ((10, 14), (3, 4), (11, 9), (1, 1)):
    for _align, _half, _mode in ((False, False, ""), (True, False, " aligned"), (False, True, " half pixel")):
        _name = f"{_size[0]}x{_size[1]}{_mode}"
        case(f"RESIZE_NEAREST_NEIGHBOR {_name}")(_resize("RESIZE_NEAREST_NEIGHBOR", _size, _align, _half))
        case(f"RESIZE_BILINEAR {_name}", int8_only=True)(_resize("RESIZE_BILINEAR", _size, _align, _half))


@case("QUANTIZE from float")
def _quantize(net: Writer, rng: Rng) -> Sequence[int]:
    x = net.input((4, 64), dtype="float32")
    return one("QUANTIZE", net, x, net.tensor((4, 64), *quantization(rng)), "QuantizeOptions")


@case("QUANTIZE to another scale")
def _requantize(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 256)
    return one("QUANTIZE", net, x, net.tensor((256,), *quantization(rng)), "QuantizeOptions")


@case("QUANTIZE to the other type")
def _retype(net: Writer, rng: Rng) -> Sequence[int]:
    steps, point = quantization(rng)
    x = net.input((256,), steps, point)
    other = "int8" if net.dtype == "uint8" else "uint8"
    return one("QUANTIZE", net, x, net.tensor((256,), steps, point, dtype=other), "QuantizeOptions")


@case("DEQUANTIZE")
def _dequantize(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 256)
    return one("DEQUANTIZE", net, x, net.tensor((256,), dtype="float32"), "DequantizeOptions")

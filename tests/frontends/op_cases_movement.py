"""Cases of ops that move values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from op_cases import Case, Rng, case, image, int8s, like, one, quantization
from tflite_writer import Writer

Shape = Sequence[int]


def _moved(op: str, shape: Shape, result: Shape, *constants: Any, table: str = "", **options: Any) -> Case:
    """An op with int32 constants after its input."""

    def make(net: Writer, rng: Rng) -> Sequence[int]:
        x = image(net, rng, *shape)
        more = [net.constant(np.array(c, np.int32)) for c in constants]
        return one(op, net, [x, *more], like(net, x, result), table, **options)

    return make


case("RESHAPE")(_moved("RESHAPE", (2, 3, 4), (4, 6), (4, -1), table="ReshapeOptions", NewShape=[4, -1]))
case("RESHAPE by option")(_moved("RESHAPE", (2, 3, 4), (4, 6), table="ReshapeOptions", NewShape=[4, 6]))
case("SQUEEZE")(_moved("SQUEEZE", (1, 3, 1, 4), (3, 4), table="SqueezeOptions"))
case("SQUEEZE one")(_moved("SQUEEZE", (1, 3, 1, 4), (1, 3, 4), table="SqueezeOptions", SqueezeDims=[-2]))
case("EXPAND_DIMS")(_moved("EXPAND_DIMS", (2, 3), (2, 3, 1), -1, table="ExpandDimsOptions"))
case("TRANSPOSE")(_moved("TRANSPOSE", (2, 3, 4, 5), (5, 2, 4, 3), (3, 0, 2, 1), table="TransposeOptions"))
case("BROADCAST_TO")(_moved("BROADCAST_TO", (3, 1), (2, 3, 4), (2, 3, 4), table="BroadcastToOptions"))
case("SLICE")(_moved("SLICE", (3, 5, 4), (2, 4, 2), (1, 1, 2), (2, -1, 2), table="SliceOptions"))
case("PAD")(_moved("PAD", (1, 3, 4, 2), (1, 6, 5, 2), [[0, 0], [1, 2], [0, 1], [0, 0]], table="PadOptions"))
for _mode, _name in ((0, "reflect"), (1, "symmetric")):
    case(f"MIRROR_PAD {_name}")(
        _moved("MIRROR_PAD", (4, 3), (7, 6), [[1, 2], [2, 1]], table="MirrorPadOptions", Mode=_mode)
    )
case("SPACE_TO_DEPTH")(_moved("SPACE_TO_DEPTH", (1, 4, 6, 3), (1, 2, 3, 12), table="SpaceToDepthOptions", BlockSize=2))
case("DEPTH_TO_SPACE")(_moved("DEPTH_TO_SPACE", (1, 2, 3, 12), (1, 4, 6, 3), table="DepthToSpaceOptions", BlockSize=2))
case("SPACE_TO_BATCH_ND")(
    _moved("SPACE_TO_BATCH_ND", (2, 3, 5, 3), (12, 2, 2, 3), (2, 3), [[1, 0], [0, 1]], table="SpaceToBatchNDOptions")
)
case("BATCH_TO_SPACE_ND")(
    _moved("BATCH_TO_SPACE_ND", (12, 2, 2, 3), (2, 3, 5, 3), (2, 3), [[1, 0], [0, 1]], table="BatchToSpaceNDOptions")
)


def _strided(shape: Sequence[int], result: Sequence[int], spec: Sequence[Sequence[int]], **masks: int) -> Case:
    return _moved("STRIDED_SLICE", shape, result, *spec, table="StridedSliceOptions", **masks)


case("STRIDED_SLICE")(_strided((4, 7, 5), (2, 3, 5), ((1, 0, 0), (3, 7, 5), (1, 3, 1))))
case("STRIDED_SLICE backwards")(_strided((4, 7), (4, 3), ((3, 6), (-5, 1), (-1, -2)), EndMask=1))
case("STRIDED_SLICE masks")(
    _strided((4, 7, 5), (2, 3), ((0, 2, -1), (2, 0, 0), (1, 2, 1)), EndMask=2, ShrinkAxisMask=4)
)
case("STRIDED_SLICE ellipsis and new axis")(
    _strided((4, 7, 5), (4, 7, 1, 2), ((0, 0, 1), (0, 0, 3), (1, 1, 1)), EllipsisMask=1, NewAxisMask=2)
)


@case("PADV2")
def _padv2(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 3)
    y = like(net, x, (4, 6))
    value = net.constant(int8s(rng, 1), net.tensors[x].scale, np.array(net.tensors[x].zero_point) - _offset(net))
    return one("PADV2", net, [x, net.constant(np.array([[1, 1], [1, 2]], np.int32)), value], y, "PadV2Options")


def _offset(net: Writer) -> int:
    return 128 if net.dtype == "uint8" else 0


@case("CONCATENATION")
def _concatenation(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 3, 4)
    b = like(net, x, (2, 5, 4))
    net.inputs.append(b)
    return one("CONCATENATION", net, [x, b, x], like(net, x, (2, 11, 4)), "ConcatenationOptions", Axis=-2)


@case("CONCATENATION of scales")
def _concatenation_of_scales(net: Writer, rng: Rng) -> Sequence[int]:
    if net.dtype == "int8":
        return _concatenation(net, rng)
    inputs = [image(net, rng, 2, 64) for _ in range(3)]
    return one("CONCATENATION", net, inputs, net.tensor((2, 192), *quantization(rng)), "ConcatenationOptions", Axis=1)


@case("SPLIT")
def _split(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 6, 3)
    outputs = [like(net, x, (2, 2, 3)) for _ in range(3)]
    net.operator("SPLIT", [net.constant(np.array(1, np.int32)), x], outputs, "SplitOptions", NumSplits=3)
    return outputs


@case("SPLIT_V")
def _split_v(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 6, 3)
    outputs = [like(net, x, (2, n, 3)) for n in (1, 3, 2)]
    sizes, axis = net.constant(np.array([1, -1, 2], np.int32)), net.constant(np.array(-2, np.int32))
    net.operator("SPLIT_V", [x, sizes, axis], outputs, "SplitVOptions", NumSplits=3)
    return outputs


@case("PACK")
def _pack(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 3)
    b = like(net, x, (2, 3))
    net.inputs.append(b)
    return one("PACK", net, [x, b], like(net, x, (2, 2, 3)), "PackOptions", ValuesCount=2, Axis=1)


@case("UNPACK")
def _unpack(net: Writer, rng: Rng) -> Sequence[int]:
    x = image(net, rng, 2, 3, 4)
    outputs = [like(net, x, (2, 4)) for _ in range(3)]
    net.operator("UNPACK", [x], outputs, "UnpackOptions", Num=3, Axis=1)
    return outputs

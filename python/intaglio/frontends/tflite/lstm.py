"""UNIDIRECTIONAL_SEQUENCE_LSTM with int8 weights and activations and a cell state of int16."""

from __future__ import annotations

import math

import numpy as np

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.requantization import scale_of
from intaglio.frontends.tflite.schema import ACTIVATIONS
from intaglio.graph import Tensor
from intaglio.lstm_parameters import lstm_multipliers

# Inputs, gates in the order input, forget, cell, output.
_INPUT_WEIGHTS = range(1, 5)
_RECURRENT_WEIGHTS = range(5, 9)
_BIASES = range(12, 16)
_HIDDEN_STATE, _CELL_STATE = 18, 19
#: Inputs of variants that are refused, each with what it makes of the cell.
_REFUSED = {9: "peepholes", 10: "peepholes", 11: "peepholes", 16: "a projection", 20: "layer normalization"}
#: The intermediate tensor that says how the output is quantized before a projection.
_HIDDEN = 4


def unidirectional_sequence_lstm(lowering: Lowering, op: Operator) -> None:
    """Every run starts from a state of zeros, as an interpreter does that has just been made."""
    for i, what in _REFUSED.items():
        if lowering.has_input(op, i):
            lowering.refuse(op, f"it has {what}")
    if not lowering.has_input(op, _INPUT_WEIGHTS[0]):
        lowering.refuse(op, "its input gate is coupled to its forget gate")
    if op.options["activation"] != ACTIVATIONS.index("TANH"):
        lowering.refuse(op, "its activation is not TANH")
    x = lowering.quantized(op, 0)
    if len(x.shape) != 3:
        lowering.malformed(op, f"its input has the shape {x.shape}, expected rank 3")
    inputs, recurrent = ([_weight(lowering, op, i) for i in group] for group in (_INPUT_WEIGHTS, _RECURRENT_WEIGHTS))
    units = inputs[0].shape[0]
    _expect_shapes(lowering, op, inputs, (units, x.shape[2]))
    _expect_shapes(lowering, op, recurrent, (units, units))
    biases = [lowering.constant(op, i, "bias") for i in _BIASES]
    if any(bias.shape != (units,) or bias.dtype != np.int32 for bias in biases):
        lowering.malformed(op, f"its biases are not int32 of the shape {(units,)}")
    bits, step = _cell(lowering, op)
    y = lowering.quantized_output(op, (*x.shape[:2], units))
    _check_state(lowering, op, y)
    multiplier, shift = lstm_multipliers(
        scale_of(x), scale_of(y), [float(scale_of(w)) for w in inputs], [float(scale_of(w)) for w in recurrent]
    )
    constants = {
        "input_weight": np.stack([lowering.constant(op, i, "weights") for i in _INPUT_WEIGHTS]),
        "recurrent_weight": np.stack([lowering.constant(op, i, "weights") for i in _RECURRENT_WEIGHTS]),
        "bias": np.stack(biases),
        "multiplier": multiplier,
        "shift": shift,
    }
    parameters = [lowering.parameter(y, name, value) for name, value in constants.items()]
    clip = int(np.clip(np.float32(op.options["cell_clip"]) / np.float32(step), 0, 32767))
    if not op.options["time_major"]:
        lowering.emit("lstm", [x, *parameters], y, cell_bits=bits, cell_clip=clip)
        return
    first, last = lowering.temporary(y, "batch_major", _swapped(x), x), lowering.temporary(y, "steps", _swapped(y), y)
    lowering.emit("transpose", [x], first, permutation=(1, 0, 2))
    lowering.emit("lstm", [first, *parameters], last, cell_bits=bits, cell_clip=clip)
    lowering.emit("transpose", [last], y, permutation=(1, 0, 2))


def _swapped(tensor: Tensor) -> tuple[int, int, int]:
    batch, steps, depth = tensor.shape
    return steps, batch, depth


def _weight(lowering: Lowering, op: Operator, i: int) -> Tensor:
    weight, source = lowering.quantized(op, i), lowering.source(op, i)
    if source.type != "int8" or weight.zero_point != 0:
        lowering.refuse(op, f"its weights {source.name!r} are {source.type} with zero point {source.zero_point[0]}")
    return weight


def _expect_shapes(lowering: Lowering, op: Operator, weights: list[Tensor], shape: tuple[int, int]) -> None:
    for weight in weights:
        if weight.shape != shape:
            lowering.malformed(op, f"its weights {weight.name!r} have the shape {weight.shape}, expected {shape}")


def _cell(lowering: Lowering, op: Operator) -> tuple[int, float]:
    """Integer bits of the cell state, and its scale."""
    source = lowering.source(op, _CELL_STATE)
    if source.type != "int16" or source.scale.size != 1 or source.zero_point[0] != 0:
        lowering.refuse(op, f"its cell state {source.name!r} is {source.type}; int16 with one scale is supported")
    mantissa, exponent = math.frexp(float(source.scale[0]))
    bits = exponent - 1 + 15
    if mantissa != 0.5 or not 0 <= bits <= 6:
        lowering.refuse(op, f"its cell state has the scale {source.scale[0]}, expected a power of two, 2^-15 to 2^-9")
    return bits, float(source.scale[0])


def _check_state(lowering: Lowering, op: Operator, y: Tensor) -> None:
    """The state and the output are one tensor to TFLite too, but the file says three times how it is quantized."""
    intermediates = op.options["intermediates"]
    if len(intermediates) <= _HIDDEN:
        lowering.malformed(op, f"it has {len(intermediates)} intermediate tensors, expected {_HIDDEN + 1}")
    for source in (lowering.source(op, _HIDDEN_STATE), lowering.model.tensors[intermediates[_HIDDEN]]):
        same = source.scale.size == 1 and (source.scale[0], source.zero_point[0]) == (y.scale, y.zero_point)
        if source.type != "int8" or not same:
            lowering.refuse(op, f"its state {source.name!r} is not quantized as its output")

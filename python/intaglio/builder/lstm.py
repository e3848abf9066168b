"""Building the recurrent op."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from intaglio.builder.core import GraphAssembler
from intaglio.builder.sums import need_rank
from intaglio.lstm_parameters import lstm_multipliers


class LstmMixin(GraphAssembler):
    """Recurrent layers."""

    def lstm(
        self,
        x: str,
        input_weights: ArrayLike,
        recurrent_weights: ArrayLike,
        bias: ArrayLike,
        input_scales: Sequence[float],
        recurrent_scales: Sequence[float],
        out_scale: float,
        out_zero_point: int,
        *,
        cell_bits: int = 3,
        cell_clip: int = 0,
        name: str | None = None,
    ) -> str:
        """[N, T, I] to [N, T, U], from a state of zeros.

        Weights are int8 [4, U, I] and [4, U, U], bias int32 [4, U], with one scale per gate: input, forget, cell,
        output. The cell state has ``cell_bits`` integer bits of 15.
        """
        name = name or self._fresh("lstm")
        need_rank("lstm input", shape := self.tensor(x).shape, 3)
        multiplier, shift = lstm_multipliers(
            self._activation_scale(x), np.float32(out_scale), input_scales, recurrent_scales
        )
        recurrent = np.asarray(recurrent_weights, np.int8)
        inputs = (
            x,
            self._part(name, "input_weight", np.asarray(input_weights, np.int8)),
            self._part(name, "recurrent_weight", recurrent),
            self._part(name, "bias", np.asarray(bias, np.int32)),
            self._part(name, "multiplier", multiplier),
            self._part(name, "shift", shift),
        )
        return self.node(
            "lstm",
            inputs,
            {"cell_bits": cell_bits, "cell_clip": cell_clip},
            shape=(*shape[:2], recurrent.shape[-1]),
            scale=out_scale,
            zero_point=out_zero_point,
            name=name,
        )

"""Rules of the float32 sums of products."""

from __future__ import annotations

from intaglio.rules.gemm import check_convolution, check_depthwise, check_matmul, check_transposed_convolution
from intaglio.rules.view import FLOAT32, NodeView


def float_conv2d(view: NodeView) -> None:
    """[N,H,W,I] and [O,kh,kw,I/groups] make [N,Ho,Wo,O]."""
    check_convolution(view)
    _check_operands(view)


def float_depthwise_conv2d(view: NodeView) -> None:
    """[N,H,W,C] and [kh,kw,C*m] make [N,Ho,Wo,C*m]."""
    check_depthwise(view)
    _check_operands(view)


def float_transposed_conv2d(view: NodeView) -> None:
    """[N,H,W,I] and [O,kh,kw,I] make [N,Ho,Wo,O]."""
    check_transposed_convolution(view)
    _check_operands(view)


def float_matmul(view: NodeView) -> None:
    """[...,M,K] and [...,K,N] make [...,M,N]; leading axes broadcast."""
    check_matmul(view)
    _check_operands(view)


def _check_operands(view: NodeView) -> None:
    for tensor in (*view.inputs, view.output):
        view.want_dtype(tensor, FLOAT32)
    view.want_shape(view["bias"], view.output.shape[-1:])
    low, high = view.want_constant("bounds", FLOAT32, (2,))
    view.want(bool(low <= high), "bounds", "low <= high", (low, high))

"""An ONNX network as it grows: quantize and dequantize pairs around float operators, images channels first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import UnsupportedOpError
from intaglio.export.onnx_batch import is_batched
from intaglio.frontends.onnx.model import onnx_package
from intaglio.frontends.onnx.values import only_ones_move, plain, stored_shape
from intaglio.graph import Graph, Node, Port, Tensor
from intaglio.rules.view import NodeView

Array = NDArray[Any]
#: Axis i of a value is axis ``order[i]`` of the graph's tensor.
Order = tuple[int, ...]
#: How images lie in ONNX: [N, C, H, W] of the graph's [N, H, W, C].
CHANNELS_FIRST: Final = (0, 3, 1, 2)


class Assembly:
    """Tensors of the graph are asked for in the order of axes that suits, and moved into it if need be.

    Activations are uint8, which x86 engines are made for; a network whose zero points are all 0 keeps int8, the one
    form that TensorRT takes.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Any] = []
        self.initializers: dict[str, Array] = {}
        self._helper = onnx_package().helper
        self._base = ""
        self._taken = {port.tensor for port in (*graph.inputs, *graph.outputs)}
        computed = (t for t in graph.tensors.values() if t.scale is not None and t.data is None)
        #: Whether the first axis of every computed tensor may have any size.
        self.is_batched = is_batched(graph)
        self._is_asymmetric = any(tensor.zero_point for tensor in computed)
        # Tensors that are uint8 in any network.
        self._unsigned: set[str] = set()
        # The order in which a tensor was made, and what holds it in each order: as stored, and as numbers.
        self._orders: dict[str, Order] = {}
        self._stored: dict[tuple[str, Order], str] = {}
        self._numbers: dict[tuple[str, Order], str] = {}
        # Numbers of inputs whose bytes are not of the type used inside.
        self._entering: dict[str, str] = {}
        # What tensors are called in the end, by the names under which they were made.
        self._final: dict[str, str] = {}
        self._grids: dict[tuple[float, int, bool], tuple[str, str]] = {}

    def begin(self, node: Node) -> None:
        """Names what follows after a node of the graph."""
        self._base = node.name

    # Making nodes

    def emit(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds an operator of one output; the output's name. An input left out is ""."""
        return self.emit_many(op, inputs, 1, **attributes)[0]

    def emit_many(self, op: str, inputs: Sequence[str], count: int, **attributes: Any) -> list[str]:
        outputs = [self.unique(f"{self._base}/{op}") for _ in range(count)]
        self.nodes.append(self._helper.make_node(op, inputs, outputs, name=outputs[0], **attributes))
        return outputs

    def constant(self, part: str, values: Array) -> str:
        """A constant named after the node."""
        name = self.unique(f"{self._base}/{part}")
        self.initializers[name] = np.ascontiguousarray(values).reshape(values.shape)
        return name

    def integers(self, part: str, values: Sequence[int]) -> str:
        """A list such as a shape."""
        return self.constant(part, np.array(values, np.int64))

    def shape(self, shape: Sequence[int], order: Order | None = None) -> str:
        """The shape of a computed tensor, for a reshape: the batch takes what is left."""
        sizes = [-1 if self.is_batched and axis == 0 else size for axis, size in enumerate(shape)]
        return self.integers("shape", stored_shape(sizes, plain(len(sizes)) if order is None else order))

    def may_reshape(self, shape: Sequence[int], old: Order, new: Order) -> bool:
        """Whether two orders of a computed tensor's axes are the same order of bytes."""
        return only_ones_move((2, *shape[1:]) if self.is_batched else shape, old, new)

    def real(self, part: str, value: float) -> str:
        return self.constant(part, np.array(value, np.float32))

    def unique(self, stem: str) -> str:
        """A name that nothing has."""
        name, count = stem, 0
        while name in self._taken:
            count += 1
            name = f"{stem}#{count}"
        self._taken.add(name)
        return name

    # Tensors of the graph

    def order(self, tensor: Tensor) -> Order:
        """The order in which a tensor lies."""
        return self._orders.get(tensor.name, plain(len(tensor.shape)))

    def numbers(self, tensor: Tensor, order: Order | None = None) -> str:
        """What a tensor stands for: floats of a quantized one, the values of any other.

        An order of more axes than the tensor has puts axes of size 1 in front, as broadcasting does.
        """
        order = self.order(tensor) if order is None else order
        key = tensor.name, order
        if key not in self._numbers:
            name = self.stored(tensor, order)
            self._numbers[key] = self._dequantized(tensor, name) if tensor.scale is not None else name
        return self._numbers[key]

    def stored(self, tensor: Tensor, order: Order) -> str:
        """A tensor as it is stored, quantized or not."""
        key = tensor.name, order
        if key not in self._stored:
            self._stored[key] = self._moved(tensor, order) if tensor.data is None else self._laid(tensor, order)
        return self._stored[key]

    def finish(self, tensor: Tensor, numbers: str, order: Order | None = None) -> None:
        """Lets numbers be a tensor, on its grid if it has one."""
        order = plain(len(tensor.shape)) if order is None else order
        stored = self._quantized(tensor, numbers) if tensor.scale is not None else numbers
        self.finish_stored(tensor, stored, order)
        is_port = any(port.tensor == tensor.name for port in (*self.graph.inputs, *self.graph.outputs))
        if not is_port and stored not in self._final:
            self._final[stored] = self.unique(tensor.name)

    def finish_stored(self, tensor: Tensor, stored: str, order: Order) -> None:
        """Lets a value of a tensor's own type be the tensor."""
        self._orders[tensor.name] = order
        self._stored[tensor.name, order] = stored

    def input(self, port: Port) -> None:
        """Lets the graph's input be a tensor."""
        tensor = self.graph.tensors[port.tensor]
        self._base = tensor.name
        if tensor.scale is None or self.is_unsigned(tensor) == (port.dtype == np.uint8):
            self.finish_stored(tensor, tensor.name, plain(len(tensor.shape)))
            return
        numbers = self.emit("DequantizeLinear", [tensor.name, *self._grid(tensor, port.dtype)])
        self.finish(tensor, numbers)
        self._entering[tensor.name] = numbers

    def output(self, port: Port) -> str:
        """The name of a tensor that leaves the graph, with its axes as the graph has them."""
        tensor = self.graph.tensors[port.tensor]
        self._base = tensor.name
        order = plain(len(tensor.shape))
        if tensor.scale is None or self.is_unsigned(tensor) == (port.dtype == np.uint8):
            made = self.stored(tensor, order)
        else:
            made = self.emit("QuantizeLinear", [self.numbers(tensor, order), *self._grid(tensor, port.dtype)])
        is_input = any(entry.tensor == tensor.name for entry in self.graph.inputs)
        name = self.unique(f"{tensor.name}/output") if is_input else tensor.name
        if made in self._final or not any(made in node.output for node in self.nodes):
            made = self.emit("Identity", [made])
        self._final[made] = name
        return name

    def renamed_nodes(self) -> list[Any]:
        """The operators, with tensors under the names that they have in the graph."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [self._final.get(name, name) for name in names]
        return self.nodes

    def is_unsigned(self, tensor: Tensor) -> bool:
        """Whether a quantized tensor's bytes are uint8 here."""
        return tensor.scale is not None and (self._is_asymmetric or tensor.name in self._unsigned)

    def be_unsigned(self, tensor: Tensor) -> None:
        self._unsigned.add(tensor.name)

    def dequantized_constant(
        self, part: str, values: Array, scale: Array, zero_point: int = 0, axis: int | None = None
    ) -> str:
        """Constant integers, and the operator that makes numbers of them; ``axis`` is that of the scales."""
        shape = () if axis is None else (scale.size,)
        names = [
            self.constant(part, values),
            self.constant(f"{part}/scale", np.asarray(scale, np.float32).reshape(shape)),
        ]
        if values.dtype == np.int8:
            names.append(self.constant(f"{part}/zero_point", np.full(shape, zero_point, np.int8)))
        return self.emit("DequantizeLinear", names, **({} if axis is None else {"axis": axis}))

    # Refusals

    def refuse(self, view: NodeView, reason: str) -> NoReturn:
        raise UnsupportedOpError(f"node '{view.node.name}' ({view.node.op}) has no form in ONNX: {reason}")

    def _moved(self, tensor: Tensor, order: Order) -> str:
        """A computed tensor in another order."""
        have, shape = self.order(tensor), tensor.shape
        extra = len(order) - len(shape)
        numbers = self._entering.get(tensor.name) or self.numbers(tensor, have)
        if extra:
            have, shape = (*range(extra), *(axis + extra for axis in have)), ((1,) * extra + shape)
            numbers = self._reshaped(numbers, shape, have)
        if self.may_reshape(shape, have, order):
            numbers = self._reshaped(numbers, shape, order)
        else:
            numbers = self.emit("Transpose", [numbers], perm=[have.index(axis) for axis in order])
        return self._quantized(tensor, numbers) if tensor.scale is not None else numbers

    def _reshaped(self, numbers: str, shape: Sequence[int], order: Order) -> str:
        return self.emit("Reshape", [numbers, self.shape(shape, order)])

    def _laid(self, tensor: Tensor, order: Order) -> str:
        """A constant in an order."""
        assert tensor.data is not None
        data = tensor.data.reshape((1,) * (len(order) - tensor.data.ndim) + tensor.data.shape).transpose(order)
        if self.is_unsigned(tensor):
            data = (data.astype(np.int16) + 128).astype(np.uint8)
        name = self.unique(tensor.name)
        self.initializers[name] = np.ascontiguousarray(data).reshape(data.shape)
        return name

    def _quantized(self, tensor: Tensor, numbers: str) -> str:
        return self.emit("QuantizeLinear", [numbers, *self._grid(tensor)])

    def _dequantized(self, tensor: Tensor, stored: str) -> str:
        return self.emit("DequantizeLinear", [stored, *self._grid(tensor)])

    def _grid(self, tensor: Tensor, dtype: np.dtype[Any] | None = None) -> tuple[str, str]:
        """Scale and zero point, of the type used inside or another; tensors on one grid share them."""
        assert tensor.scale is not None
        unsigned = self.is_unsigned(tensor) if dtype is None else dtype == np.uint8
        key = float(tensor.scale), tensor.zero_point, unsigned
        if key not in self._grids:
            zero_point = np.uint8(tensor.zero_point + 128) if unsigned else np.int8(tensor.zero_point)
            names = self.unique(f"{tensor.name}/scale"), self.unique(f"{tensor.name}/zero_point")
            self.initializers |= zip(names, (np.array(tensor.scale, np.float32), np.array(zero_point)), strict=True)
            self._grids[key] = names
        return self._grids[key]


def onnx_type(dtype: np.dtype[Any]) -> int:
    """The number of an element type in ONNX's files."""
    return int(onnx_package().helper.np_dtype_to_tensor_dtype(dtype))

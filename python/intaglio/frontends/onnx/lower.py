"""From a parsed .onnx file to a graph: every operator by the lowering of its kind."""

from __future__ import annotations

import inspect
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from intaglio.errors import Error, ModelFormatError, UnsupportedOpError
from intaglio.frontends.onnx.folding import fold
from intaglio.frontends.onnx.lowering import INT8, INT32, QUANTIZED, Lowering
from intaglio.frontends.onnx.model import Model, SourceNode, parse
from intaglio.frontends.onnx.quantization import unit_grid
from intaglio.frontends.onnx.values import Value, constant, plain
from intaglio.graph import Graph, Node, Port, Tensor
from intaglio.grids import Grids
from intaglio.opset import Requant
from intaglio.passes.simplify_float import simplify_float

if TYPE_CHECKING:
    from intaglio.frontends import FileBytes

_MICROSOFT: Final = "com.microsoft"
#: Where the lowering of each op lives: a module of this package and a function in it.
LOWERINGS: Final = {
    "Conv": ("convolution", "conv"),
    "ConvTranspose": ("convolution", "conv_transpose"),
    "MatMul": ("matmul", "matmul"),
    "Gemm": ("matmul", "gemm"),
    "MaxPool": ("pooling", "max_pool"),
    "AveragePool": ("pooling", "average_pool"),
    "GlobalAveragePool": ("pooling", "global_average_pool"),
    "GlobalMaxPool": ("pooling", "global_max_pool"),
    "Softmax": ("reduction", "softmax"),
    "LogSoftmax": ("reduction", "softmax"),
    "ArgMax": ("reduction", "arg_extreme"),
    "ArgMin": ("reduction", "arg_extreme"),
    "BatchNormalization": ("normalization", "batch_normalization"),
    "InstanceNormalization": ("normalization", "instance_normalization"),
    "LayerNormalization": ("normalization", "layer_normalization"),
    "Relu": ("elementwise", "relu"),
    "Clip": ("elementwise", "clip"),
    "Gelu": ("elementwise", "gelu"),
    f"{_MICROSOFT}.Gelu": ("elementwise", "gelu"),
    "Swish": ("elementwise", "swish"),
    "PRelu": ("elementwise", "prelu"),
    "Where": ("elementwise", "where"),
    "Identity": ("elementwise", "identity"),
    "Dropout": ("elementwise", "dropout"),
    "Reshape": ("movement", "reshape"),
    "Flatten": ("movement", "flatten"),
    "Squeeze": ("movement", "squeeze"),
    "Unsqueeze": ("movement", "unsqueeze"),
    "Transpose": ("movement", "transpose"),
    "Expand": ("movement", "expand"),
    "Tile": ("movement", "tile"),
    "Shape": ("movement", "shape"),
    "Size": ("movement", "size"),
    "Cast": ("movement", "cast"),
    "Slice": ("slicing", "slice_"),
    "Split": ("slicing", "split"),
    "Gather": ("slicing", "gather"),
    "GatherND": ("slicing", "gather_nd"),
    "Concat": ("slicing", "concat"),
    "Pad": ("slicing", "pad"),
    "DepthToSpace": ("slicing", "depth_to_space"),
    "SpaceToDepth": ("slicing", "space_to_depth"),
    "Resize": ("resize", "resize"),
    "Upsample": ("resize", "upsample"),
    "QuantizeLinear": ("quantization", "quantize_linear"),
    "DequantizeLinear": ("quantization", "dequantize_linear"),
    f"{_MICROSOFT}.QuantizeLinear": ("quantization", "quantize_linear"),
    f"{_MICROSOFT}.DequantizeLinear": ("quantization", "dequantize_linear"),
    "QLinearConv": ("qoperator", "qlinear_conv"),
    "QLinearMatMul": ("qoperator", "qlinear_matmul"),
    f"{_MICROSOFT}.QGemm": ("qoperator", "qgemm"),
    f"{_MICROSOFT}.QLinearAdd": ("qoperator", "qlinear_add"),
    f"{_MICROSOFT}.QLinearMul": ("qoperator", "qlinear_mul"),
    f"{_MICROSOFT}.QLinearConcat": ("qoperator", "qlinear_concat"),
    f"{_MICROSOFT}.QLinearAveragePool": ("qoperator", "qlinear_average_pool"),
    f"{_MICROSOFT}.QLinearGlobalAveragePool": ("qoperator", "qlinear_global_average_pool"),
    f"{_MICROSOFT}.QLinearLeakyRelu": ("qoperator", "qlinear_leaky_relu"),
    f"{_MICROSOFT}.QLinearSigmoid": ("qoperator", "qlinear_sigmoid"),
    f"{_MICROSOFT}.QLinearSoftmax": ("qoperator", "qlinear_softmax"),
    "DynamicQuantizeLinear": ("dynamic", "dynamic_quantize_linear"),
    "ConvInteger": ("dynamic", "conv_integer"),
    "MatMulInteger": ("dynamic", "matmul_integer"),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow"), ("elementwise", "arithmetic")),
    **dict.fromkeys(("LeakyRelu", "Elu", "HardSigmoid"), ("elementwise", "parametric")),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"), ("reduction", "reduce")),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"), ("reduction", "norm")),
    **dict.fromkeys(("Mish", "Softsign", "Selu", "Celu"), ("elementwise", "composed")),
    **dict.fromkeys(("Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Neg"), ("elementwise", "function")),
    **dict.fromkeys(("Floor", "Ceil", "Round", "Erf", "HardSwish", "Softplus"), ("elementwise", "function")),
    **dict.fromkeys(("Sin", "Cos", "Sign"), ("elementwise", "function")),
}


def load(data: FileBytes, requant: Requant, folder: str | None = None) -> Graph:
    """The graph of an .onnx file; one whose tensors lie on grids is lowered to integers."""
    graph, grids = read(data, folder)
    if all(graph.tensors[name].constant is not None for name in grids):
        return graph
    from intaglio.passes.to_integer import to_integer

    return to_integer(graph, grids, requant="fixed" if requant is Requant.FIXED else "float32")


def read(data: FileBytes, folder: str | None = None) -> tuple[Graph, Grids]:
    """The float graph of an .onnx file, and the grids on which its quantized tensors lie.

    A port that the file has as int8 or uint8 is a float32 tensor on a grid, seen as that type. ``folder`` is where
    files that the network refers to lie.
    """
    model = parse(data, folder)
    lowering = Lowering(model)
    for name, array in model.constants.items():
        lowering.values[name] = constant(name, array)
    inputs = tuple(_input(lowering, name, dtype, shape) for name, dtype, shape in _inputs(model))
    for node in model.nodes:
        lowering.begin(node)
        _lower(lowering, node)
    outputs = tuple(_output(lowering, name) for name in model.outputs)
    graph, grids = _finished(lowering, inputs, outputs)
    graph = simplify_float(graph, grids)
    return graph, {name: grid for name, grid in grids.items() if name in graph.tensors}


def _inputs(model: Model) -> list[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    names = [entry.name for entry in model.inputs]
    if len(set(names)) < len(names):
        raise ModelFormatError("the file names an input twice")
    return [(entry.name, entry.dtype, entry.shape) for entry in model.inputs]


def _input(lowering: Lowering, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    stored = np.dtype(np.float32) if dtype in QUANTIZED else dtype
    lowering.add_tensor(Tensor(name, shape, stored))
    lowering.bind(name, Value(name, shape, dtype, tensor=name, order=plain(len(shape))))
    return name


def _lower(lowering: Lowering, node: SourceNode) -> None:
    inputs: list[Value | None] = []
    for name in node.inputs:
        if name and name not in lowering.values:
            lowering.malformed(f"its input {name!r} is used before anything computes it")
        inputs.append(lowering.values[name] if name else None)
    results = fold(lowering, node, inputs) or _lowered(lowering, node, inputs)
    for name, value in zip(node.outputs, results, strict=False):
        if name:
            lowering.bind(name, value)


def _lowered(lowering: Lowering, node: SourceNode, inputs: list[Value | None]) -> list[Value]:
    if node.op not in LOWERINGS:
        raise UnsupportedOpError(
            f"{lowering.locate()} is not supported; export the network without it, or cut it there and compute it "
            "outside"
        )
    module, name = LOWERINGS[node.op]
    function = getattr(import_module(f"intaglio.frontends.onnx.{module}"), name)
    while inputs and inputs[-1] is None:
        inputs.pop()
    signature = inspect.signature(function)
    try:
        bound = signature.bind(lowering, node, *inputs).arguments
    except TypeError:
        lowering.malformed(f"it has {len(inputs)} inputs")
    missing = [key for key, value in bound.items() if value is None and signature.parameters[key].default is not None]
    if missing or any(value is None for value in bound.get("inputs", ())):
        lowering.malformed("it lacks an input that it needs")
    try:
        result = function(lowering, node, *inputs)
    except Error as error:
        raise error if lowering.locate() in str(error) else type(error)(f"{lowering.locate()}: {error}") from error
    return list(result) if isinstance(result, tuple) else [result]


def _output(lowering: Lowering, name: str) -> Port:
    """The tensor of an output, with its axes as the source has them and under the source's name."""
    if name not in lowering.values:
        raise ModelFormatError(f"nothing computes the output {name!r}")
    value = lowering.values[name]
    lowering.begin(SourceNode("output", name, (), (), {}))
    tensor = lowering.stored(value, plain(len(value.shape)))
    dtype = lowering.tensors[tensor].dtype
    if value.dtype in QUANTIZED and dtype == INT32:
        # A zero point, which the graph computes as int32.
        shape = lowering.tensors[tensor].shape
        tensor = lowering.emit("cast", [tensor], shape, dtype=INT8)
        lowering.tensors[tensor] = Tensor(tensor, shape, INT8, np.float32(1))
    elif value.dtype in QUANTIZED and dtype == np.float32 and tensor not in lowering.grids:
        lowering.place_grid(tensor, unit_grid(value.dtype), holds_integers=True)
    return Port(lowering.named_output(tensor, name), value.dtype)


def _finished(lowering: Lowering, inputs: tuple[str, ...], outputs: tuple[Port, ...]) -> tuple[Graph, Grids]:
    tensor_names, node_names = lowering.final_names()
    tensors = {}
    for name, tensor in lowering.tensors.items():
        final = tensor_names.get(name, name)
        tensors[final] = replace(tensor, name=final)

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(tensor_names.get(name, name) for name in names)

    nodes = tuple(
        Node(n.op, node_names.get(n.name, n.name), renamed(n.inputs), renamed(n.outputs), n.attrs)
        for n in lowering.nodes
    )
    grids = {tensor_names.get(name, name): grid for name, grid in lowering.grids.items()}
    dtypes = {entry.name: entry.dtype for entry in lowering.model.inputs}
    ports = tuple(Port(name, dtypes[name]) for name in inputs)
    metadata = {"source": "onnx", "opset": lowering.model.opset, "producer": lowering.model.producer}
    graph = Graph(
        tensors, nodes, ports, tuple(Port(tensor_names.get(p.tensor, p.tensor), p.dtype) for p in outputs), metadata
    )
    return graph, grids

"""`intaglio info`: what a network is, what it costs, and how this CPU runs it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from intaglio.cli import options, text
from intaglio.summary import shorten

if TYPE_CHECKING:
    import intaglio


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument("--tensors", action="store_true", help="list every tensor too")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    import intaglio

    graph = intaglio.convert(arguments.model, requant=arguments.requant)
    model = intaglio.load(graph, threads=arguments.threads, isa=arguments.isa)
    described = describe(graph, model)
    if arguments.json:
        text.print_json({"file": str(arguments.model), **described})
        return
    print(overview(arguments, described))
    if arguments.tensors:
        print("\n" + tensor_table(described["tensors"]))
    print("\n" + layer_table(described["layers"]))


def describe(graph: intaglio.Graph, model: intaglio.Model) -> dict[str, Any]:
    """All that the command prints, as JSON values."""
    plan = model.plan()
    return {
        "inputs": [port(info) for info in model.inputs],
        "outputs": [port(info) for info in model.outputs],
        "isa": model.isa,
        "nodes": len(graph.nodes),
        "float_nodes": [node.name for node in graph.nodes if node.op.startswith("float_")],
        "macs": sum(step.macs for step in plan),
        "constant_bytes": sum(tensor.nbytes for tensor in graph.tensors.values() if tensor.constant is not None),
        "arena_bytes": model.arena_bytes,
        "tensors": [
            {
                "name": tensor.name,
                "shape": list(tensor.shape),
                "dtype": str(tensor.dtype),
                "scale": None if tensor.scale is None else float(tensor.scale),
                "zero_point": None if tensor.scale is None else tensor.zero_point,
                "constant": tensor.constant is not None,
            }
            for tensor in graph.tensors.values()
        ],
        "layers": [
            {
                "node": step.node,
                "op": step.op,
                "kernel": step.kernel,
                "reason": step.reason,
                "macs": step.macs,
                "bytes": step.bytes,
                "threads": step.threads,
            }
            for step in plan
        ],
    }


def port(info: intaglio.TensorInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "shape": list(info.shape),
        "dtype": str(info.dtype),
        "scale": None if info.scale is None else float(info.scale),
        "zero_point": info.zero_point,
    }


def overview(arguments: argparse.Namespace, described: dict[str, Any]) -> str:
    def ports(which: str) -> str:
        return "; ".join(f"{p['name']} {text.shape(p['shape'])} {p['dtype']}" for p in described[which])

    return text.fields(
        [
            ("file", arguments.model),
            ("inputs", ports("inputs")),
            ("outputs", ports("outputs")),
            ("nodes", f"{described['nodes']}, {len(described['float_nodes'])} of them in float32"),
            ("MACs", text.count(described["macs"])),
            ("constants", text.size(described["constant_bytes"])),
            ("arena", text.size(described["arena_bytes"])),
            ("tier", described["isa"]),
        ]
    )


def tensor_table(tensors: list[dict[str, Any]]) -> str:
    rows = [
        (
            tensor["name"],
            text.shape(tensor["shape"]),
            tensor["dtype"],
            "" if tensor["scale"] is None else f"{tensor['scale']:.6g}",
            "" if tensor["scale"] is None else tensor["zero_point"],
            "constant" if tensor["constant"] else "",
        )
        for tensor in tensors
    ]
    return text.table(("tensor", "shape", "type", "scale", "zero point", ""), rows, right=("scale", "zero point"))


def layer_table(layers: list[dict[str, Any]]) -> str:
    rows = [
        (
            shorten(layer["node"]),
            layer["op"],
            text.count(layer["macs"]) if layer["macs"] else "",
            text.size(layer["bytes"]) if layer["bytes"] else "",
            layer["threads"],
            layer["kernel"],
            layer["reason"],
        )
        for layer in layers
    ]
    return text.table(
        ("node", "op", "MACs", "bytes", "threads", "kernel", "because"), rows, right=("MACs", "bytes", "threads")
    )

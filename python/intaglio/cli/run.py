"""`intaglio run`: a network on arrays or a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from intaglio.cli import options, picture, text

if TYPE_CHECKING:
    import intaglio


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    parser.add_argument(
        "inputs",
        nargs="+",
        help="a .npy array or a picture for each input, in order or as name=file (pictures need Pillow)",
    )
    parser.add_argument("-o", "--output", type=Path, help="save the outputs: .npy for one, .npz for several")
    parser.add_argument("--raw", action="store_true", help="outputs as integers, not as dequantized floats")
    parser.add_argument("--top", type=options.positive, default=5, metavar="K", help="classes to print (default: 5)")
    parser.add_argument("--labels", type=Path, help="text file with one class name per line")
    picture.add_arguments(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    model = options.load_model(arguments)
    outputs = model.run(read_inputs(model, arguments), raw=arguments.raw)
    if arguments.output is not None:
        save(arguments.output, outputs)
    labels = [] if arguments.labels is None else arguments.labels.read_text("utf-8", "replace").splitlines()
    described = {name: describe(values, arguments.top, labels) for name, values in outputs.items()}
    if arguments.json:
        text.print_json(described)
    else:
        print("\n\n".join(render(name, entry) for name, entry in described.items()))


def read_inputs(model: intaglio.Model, arguments: argparse.Namespace) -> dict[str, NDArray[Any]]:
    """The array of every input, by name."""
    from intaglio.errors import Error

    infos = {info.name: info for info in model.inputs}
    unnamed = [argument for argument in arguments.inputs if argument.partition("=")[0] not in infos]
    if unnamed and len(unnamed) != len(arguments.inputs):
        raise Error(f"give every input as name=file, or none; this network's inputs are {', '.join(infos)}")
    if len(arguments.inputs) != len(infos):
        raise Error(f"expected {len(infos)} inputs ({', '.join(infos)}), got {len(arguments.inputs)}")
    pairs = zip(infos, arguments.inputs, strict=True) if unnamed else (a.split("=", 1) for a in arguments.inputs)
    return {name: read_array(Path(file), infos[name], arguments) for name, file in pairs}


def read_array(file: Path, info: intaglio.TensorInfo, arguments: argparse.Namespace) -> NDArray[Any]:
    from intaglio.errors import Error

    if file.suffix != ".npy":
        return picture.read(file, info, arguments)
    try:
        array: NDArray[Any] = np.load(file, allow_pickle=False)
    except ValueError as error:
        raise Error(f"{file}: not a .npy array ({error})") from error
    return array


def save(path: Path, outputs: dict[str, NDArray[Any]]) -> None:
    from intaglio.errors import Error

    if path.suffix == ".npz":
        arrays: dict[str, Any] = dict(outputs)
        np.savez(path, **arrays)
    elif path.suffix == ".npy" and len(outputs) == 1:
        np.save(path, next(iter(outputs.values())))
    else:
        raise Error(f"{path}: expected .npz, or .npy for a network with one output (this one has {len(outputs)})")


def describe(values: NDArray[Any], top: int, labels: list[str]) -> dict[str, Any]:
    """Shape and type, and the top classes of each sample of an output that looks like scores."""
    entry: dict[str, Any] = {"shape": list(values.shape), "dtype": str(values.dtype)}
    if values.ndim == 2 and values.shape[1] > 1:
        entry["top"] = [
            [
                {"class": int(index), "value": values[row, index].item(), **label_of(int(index), labels)}
                for index in np.argsort(-values[row].astype(np.float64), kind="stable")[:top]
            ]
            for row in range(len(values))
        ]
    elif values.size:
        entry |= {"min": values.min().item(), "max": values.max().item(), "mean": float(values.mean())}
    return entry


def label_of(index: int, labels: list[str]) -> dict[str, str]:
    return {"label": labels[index]} if index < len(labels) else {}


def render(name: str, entry: dict[str, Any]) -> str:
    title = f"{name}  {text.shape(entry['shape'])} {entry['dtype']}"
    if "top" in entry:
        blocks = []
        for row, classes in enumerate(entry["top"]):
            rows = [(c["class"], f"{c['value']:.6g}", c.get("label", "")) for c in classes]
            heading = f"sample {row}\n" if len(entry["top"]) > 1 else ""
            blocks.append(heading + text.table(("class", "value", ""), rows, right=("class", "value")))
        return title + "\n" + "\n\n".join(blocks)
    if "min" in entry:
        return f"{title}\nmin {entry['min']:.6g}, max {entry['max']:.6g}, mean {entry['mean']:.6g}"
    return title

"""A comparison as a page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from intaglio.cli import text
from intaglio.comparison import plots
from intaglio.comparison.result import Comparison, Layer, Output
from intaglio.comparison.wording import decibels, int8_share, percent, summary

_STYLE: Final = Path(__file__).with_name("page.css")


def page(comparison: Comparison) -> str:
    """The whole page."""
    body = [
        "<h1>Quantized against float32</h1>",
        f"<p>{comparison.samples} samples, {len(comparison.layers)} tensors compared.</p>",
        _tiles(comparison),
        "<h2>Summary</h2>",
        _table(("", "float32", "quantized"), summary(comparison)),
        "<h2>Outputs</h2>",
        _table(("output", "SQNR", "cosine", "largest difference", "same class"), map(_output, comparison.outputs)),
        "<h2>Error by layer</h2>",
        "<p>Signal to quantization noise in the order in which the layers run; higher is better. The own error of a "
        "layer is what it adds when it is given the float network&#39;s values; the accumulated error is what has come "
        "together from all layers up to it. Hollow marks stay in float32; exact layers are at the top.</p>",
        '<p class="key"><i style="background:var(--own)"></i>own'
        '<i style="background:var(--accumulated)"></i>accumulated</p>',
        f'<div class="wide plot">{plots.error_plot(comparison.layers)}</div>',
        "<h2>Layers with most error of their own</h2>",
        _layer_table(comparison, comparison.worst()),
        "<h2>Ranges</h2>",
        "<p>How often which values occur in the float network, on a logarithmic scale, and the ends of the grid that "
        "was chosen. What lies in the shaded part is clipped.</p>",
        f'<div class="histograms">{"".join(map(_figure, comparison.layers))}</div>',
        "<h2>All layers</h2>",
        _layer_table(comparison, comparison.layers),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<title>Intaglio: quantized against float32</title>'
        f"<style>{_STYLE.read_text('utf-8')}</style></head>\n<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _tiles(comparison: Comparison) -> str:
    right, quantized = comparison.right, comparison.quantized
    tiles = [
        (
            f"{right.bytes / quantized.bytes:.2f} times smaller",
            f"{text.size(right.bytes)} to {text.size(quantized.bytes)}",
        ),
        (
            f"{right.latency_seconds / quantized.latency_seconds:.2f} times faster",
            f"{text.duration(right.latency_seconds)} to {text.duration(quantized.latency_seconds)} on this machine",
        ),
    ]
    if comparison.metric is not None:
        before, after = comparison.metric
        tiles.insert(0, (f"{after:.6g}", f"metric; float32 {before:.6g}"))
    if comparison.outputs:
        output = comparison.outputs[0]
        same = output.same_class
        what = f"SQNR of {output.name}" if same is None else f"same class as float32, by {output.name}"
        tiles.append((decibels(output.agreement.sqnr) if same is None else percent(same), what))
    cells = [f"<b>{escape(figure)}</b><span>{escape(what)}</span>" for figure, what in tiles]
    share = int8_share(quantized)
    cells.append(
        f"<b>{percent(share)}</b><span>of {text.count(quantized.macs)} MACs in int8</span>{plots.share_bar(share)}"
    )
    return f'<div class="tiles">{"".join(f"""<div class="tile">{cell}</div>""" for cell in cells)}</div>'


def _output(output: Output) -> tuple[str, ...]:
    agreement, same = output.agreement, output.same_class
    figures = decibels(agreement.sqnr), f"{agreement.cosine:.6f}", f"{agreement.largest:.4g}"
    return (output.name, *figures, "" if same is None else percent(same))


def _layer_table(comparison: Comparison, layers: Sequence[Layer]) -> str:
    numbers = {id(layer): number for number, layer in enumerate(comparison.layers, 1)}
    columns = ("tensor", "layer", "op", "type", "own SQNR", "accumulated", "cosine", "MSE", "outside grid", "MACs")
    rows = [
        (
            layer.tensor,
            numbers[id(layer)],
            layer.op,
            layer.dtype,
            decibels(layer.own.sqnr),
            decibels(layer.accumulated.sqnr),
            f"{layer.accumulated.cosine:.5f}",
            f"{layer.accumulated.mse:.3g}",
            percent(layer.saturated),
            text.count(layer.macs) if layer.macs else "",
        )
        for layer in layers
    ]
    return _table(columns, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def row(tag: str, cells: Sequence[object]) -> str:
        first = f'<{tag} class="name">{_breakable(str(cells[0]))}</{tag}>'
        return f"<tr>{first}{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells[1:])}</tr>"

    body = "".join(row("td", cells) for cells in rows)
    return f'<div class="wide"><table><thead>{row("th", header)}</thead><tbody>{body}</tbody></table></div>'


def _breakable(name: str) -> str:
    """A name that goes on in the next line between its parts."""
    return escape(name).replace("/", "/<wbr/>").replace("_", "_<wbr/>")


def _figure(layer: Layer) -> str:
    seen = f"values {layer.histogram.low:.4g} to {layer.histogram.high:.4g}"
    grid = "float32" if layer.clip is None else f"grid {layer.clip[0]:.4g} to {layer.clip[1]:.4g}"
    lines = "".join(f"<span>{escape(line)}</span>" for line in (seen, grid, f"own SQNR {decibels(layer.own.sqnr)}"))
    caption = f"{_breakable(layer.tensor)}{lines}"
    return f"<figure>{plots.histogram_plot(layer)}<figcaption>{caption}</figcaption></figure>"

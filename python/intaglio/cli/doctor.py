"""`intaglio doctor`: what this CPU offers, what the engine takes, and whether every tier answers right."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

import numpy as np

from intaglio.cli import options, text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    from intaglio.errors import Error

    described = examine()
    if arguments.json:
        text.print_json(described)
    else:
        print(render(described))
    if not described["tiers_agree"]:
        raise Error("the tiers disagree on the demo network: please report this with the output above")


def examine() -> dict[str, Any]:
    """All that the command prints, as JSON values."""
    import intaglio
    from intaglio import _core, cpu, demo

    fingerprints = demo.fingerprints()
    tiers = [
        {"name": tier, "peak_gmacs_per_second": _core.measure_dots(tier)[0], "demo_sha256": fingerprints[tier]}
        for tier in cpu.tiers()
    ]
    return {
        "cpu": cpu.name() or platform.machine(),
        "features": list(cpu.features()),
        "cores": cpu.cores(),
        "tiers": tiers,
        "chosen_tier": intaglio.load(demo.model_bytes()).isa,
        "tiers_agree": len(set(fingerprints.values())) == 1,
        "versions": {
            "intaglio": intaglio.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "platform": platform.platform(),
        "package": str(Path(intaglio.__file__).parent),
    }


def render(described: dict[str, Any]) -> str:
    versions = described["versions"]
    head = text.fields(
        [
            ("cpu", f"{described['cpu']}, {described['cores']} cores for this process"),
            ("features", " ".join(described["features"])),
            ("platform", described["platform"]),
            ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
            ("package", described["package"]),
        ]
    )
    rows = [
        (
            tier["name"],
            "chosen" if tier["name"] == described["chosen_tier"] else "",
            f"{tier['peak_gmacs_per_second']:.0f}",
            tier["demo_sha256"][:16],
        )
        for tier in described["tiers"]
    ]
    tiers = text.table(("tier", "", "GMAC/s per core", "answers of the demo network"), rows, right=("GMAC/s per core",))
    verdict = "every tier gives the same bits" if described["tiers_agree"] else "THE TIERS DISAGREE"
    return f"{head}\n\n{tiers}\n{verdict}"

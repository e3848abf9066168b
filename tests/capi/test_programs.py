"""Programs against the C API: those of docs/embedding.md, and one that does everything wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from programs import BUILT_OPS, Toolbox

import intaglio
from intaglio import demo

BLOCK = re.compile(r"^```(c|cpp)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STANDARDS = {"c": ["c11", "c17"], "cpp": ["c++11", "c++20"]}


@pytest.fixture
def examples(root: Path, tmp_path: Path) -> dict[str, Path]:
    """The examples of the page as files, by language."""
    blocks = dict(BLOCK.findall((root / "docs" / "embedding.md").read_text("utf-8")))
    assert set(blocks) == {"c", "cpp"}
    files = {language: tmp_path / f"example.{language}" for language in blocks}
    for language, file in files.items():
        file.write_text(blocks[language], "utf-8")
    return files


@pytest.fixture
def float_network(tmp_path: Path) -> Path:
    """A network of one float32 op."""
    builder = intaglio.Builder()
    builder.output(builder.float_softmax(builder.input("x", (1, 4), dtype="float32")))
    path = tmp_path / "float.intaglio"
    builder.build().save(path)
    return path


@pytest.fixture
def rounding_network(tmp_path: Path) -> Path:
    """A network that makes integers of its input."""
    builder = intaglio.Builder()
    builder.output(builder.quantize(builder.input("reals", (2, 2), dtype="float32"), 0.5, 0))
    path = tmp_path / "rounding.intaglio"
    builder.build().save(path)
    return path


def check_answers(language: str, printed: str) -> None:
    """The answers for a picture of zeros."""
    (logits,) = intaglio.load(demo.model_bytes()).run({"image": np.zeros((1, 8, 8, 1), np.uint8)}, raw=True).values()
    lines = printed.splitlines()
    if language == "c":
        assert lines[0].startswith("image: 64 values, scale 0.0625, zero point 0; runs on ")
        graph = intaglio.Graph.from_bytes(demo.model_bytes())
        (tensor,) = graph.output_tensors
        expected = (logits[0].astype(np.int32) - tensor.zero_point) * tensor.scale
        np.testing.assert_allclose([float(line) for line in lines[1:]], expected, rtol=1e-5)
    else:
        assert [int(line) for line in lines] == logits[0].tolist()


@pytest.mark.parametrize("static", [True, False], ids=["static", "shared"])
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_examples_of_the_documentation(
    language: str, static: bool, compiler: str, release: Toolbox, examples: dict[str, Path], digits: Path
) -> None:
    for standard in STANDARDS[language]:
        program = release.compile(examples[language], compiler=compiler, standard=standard, static=static)
        check_answers(language, program.run(digits))
        program.run("no such file", expect=1)


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_examples_under_sanitizers(language: str, sanitizing: Toolbox, examples: dict[str, Path], digits: Path) -> None:
    check_answers(language, sanitizing.compile(examples[language], standard=STANDARDS[language][0]).run(digits))


@pytest.mark.parametrize("static", [True, False], ids=["static", "shared"])
def test_misuse_is_told(
    release: Toolbox, root: Path, static: bool, digits: Path, float_network: Path, rounding_network: Path
) -> None:
    program = release.compile(root / "tests" / "capi" / "misuse.c", static=static)
    program.run(digits, float_network, rounding_network)


def test_misuse_under_sanitizers(
    sanitizing: Toolbox, root: Path, digits: Path, float_network: Path, rounding_network: Path
) -> None:
    """Also: this build has neither vector tiers nor float32 ops, and says so."""
    assert "float32" not in BUILT_OPS
    sanitizing.compile(root / "tests" / "capi" / "misuse.c").run(digits, float_network, rounding_network)


def test_checks_can_fail(release: Toolbox, root: Path, digits: Path, rounding_network: Path) -> None:
    """A network where misuse.c expects one with float32 numbers."""
    release.compile(root / "tests" / "capi" / "misuse.c").run(digits, digits, rounding_network, expect=1)


@pytest.mark.parametrize("standard", ["c11", "c++11"])
def test_header_stands_alone(standard: str, compiler: str, release: Toolbox, tmp_path: Path) -> None:
    source = tmp_path / "alone.c"
    source.write_text("#include <intaglio/intaglio.h>\nint main(void) { return intaglio_api_version() != 1; }\n")
    options = ["-Wconversion", "-Wshadow", "-Wold-style-cast"] if "++" in standard else ["-Wstrict-prototypes"]
    release.compile(source, compiler=compiler, standard=standard, options=options).run()

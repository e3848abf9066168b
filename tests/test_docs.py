"""Every command and snippet in the documentation runs, and every link leads somewhere."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import intaglio
from intaglio import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    """The fenced blocks of a language in all pages, as test parameters named by page and number."""
    return [
        pytest.param(code, id=f"{page.relative_to(ROOT)}:{number}")
        for page in PAGES
        for number, (found, code) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if found == language
    ]


@pytest.fixture
def folder(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a reader who has networks, pictures and an array."""
    shutil.copy(data / "models" / "tf2_mobilenet_v2_1.0_224_ptq.tflite", tmp_path / "net.tflite")
    shutil.copy(data / "images" / "grace_hopper.jpg", tmp_path / "photo.jpg")
    np.save(tmp_path / "x.npy", np.zeros((1, 224, 224, 3), np.uint8))
    (tmp_path / "net.onnx").write_bytes(float_network())
    (tmp_path / "pictures").mkdir()
    for picture in sorted((data / "images" / "imagenet_dev").glob("*.jpg"))[:8]:
        shutil.copy(picture, tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def float_network() -> bytes:
    """An ONNX file with the nodes that the pages name."""
    onnx = pytest.importorskip("onnx")
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    rng = np.random.default_rng(0)
    shapes = {"stem_w": (8, 3, 3, 3), "head_w": (8, 8, 3, 3), "logits_w": (8, 10)}
    weights = [
        onnx.numpy_helper.from_array(rng.normal(0, 0.2, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        node("Conv", ["x", "stem_w"], ["a"], "stem", strides=[2, 2]),
        node("Relu", ["a"], ["b"], "relu"),
        node("Conv", ["b", "head_w"], ["c"], "head/conv"),
        node("GlobalAveragePool", ["c"], ["d"], "head/pool"),
        node("Flatten", ["d"], ["e"], "flat"),
        node("Gemm", ["e", "logits_w"], ["y"], "logits"),
    ]
    ports = [info("x", 1, ["N", 3, 32, 32])], [info("y", 1, ["N", 10])]
    graph = onnx.helper.make_graph(nodes, "net", *ports, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    serialized: bytes = model.SerializeToString()
    return serialized


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, folder: Path) -> None:
    images = np.random.default_rng(1).standard_normal((16, 3, 32, 32)).astype(np.float32)
    names = {"intaglio": intaglio, "np": np, "x": np.load(folder / "x.npy"), "images": images}
    exec(compile(code, "snippet", "exec"), names)


@pytest.mark.parametrize("code", blocks("sh"))
def test_commands_run(code: str, folder: Path) -> None:
    lines = [shlex.split(line, comments=True) for line in code.splitlines()]
    for command, *arguments in filter(None, lines):
        match command:
            case "intaglio":
                assert cli.main(arguments) == 0
            case "make":
                targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
                assert set(arguments) <= set(targets)
            case "cmake":
                check_cmake(arguments)  # tests/capi runs the likes of it
            case "pipx":
                assert arguments == ["run", "cibuildwheel"]
            case "pip":
                check_install(arguments)
            case "python":
                assert (ROOT / arguments[0]).is_file()
            case _:
                pytest.fail(f"no way to check {command!r}")


def check_cmake(arguments: list[str]) -> None:
    """Presets are those that there are, and what is built is what a preset configures."""
    presets = json.loads((ROOT / "CMakePresets.json").read_text("utf-8"))["configurePresets"]
    names = {preset["name"] for preset in presets if not preset.get("hidden")}
    match arguments:
        case ["--preset", name]:
            assert name in names
        case ["--build" | "--install", folder, *_]:
            assert folder.removeprefix("build/presets/") in names
        case _:
            pytest.fail(f"no way to check cmake {arguments}")


def check_install(arguments: list[str]) -> None:
    """`pip install ...` of this package, with extras that exist."""
    assert arguments[0] == "install"
    extras = set(importlib.metadata.metadata("intaglio").get_all("Provides-Extra") or [])
    for requirement in arguments[1:]:
        named = re.fullmatch(r"(?:intaglio|\.)(?:\[([\w,]+)\])?", requirement)
        assert named is not None, requirement
        assert set((named[1] or "").split(",")) - {""} <= extras


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "http://")):
            assert (page.parent / target).exists(), target

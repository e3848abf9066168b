"""Every command and snippet in the documentation runs, and every link leads somewhere."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

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
    """The current folder of a reader who has a network, a picture and an array."""
    shutil.copy(data / "models" / "tf2_mobilenet_v2_1.0_224_ptq.tflite", tmp_path / "net.tflite")
    shutil.copy(data / "images" / "grace_hopper.jpg", tmp_path / "photo.jpg")
    np.save(tmp_path / "x.npy", np.zeros((1, 224, 224, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, folder: Path) -> None:
    exec(compile(code, "snippet", "exec"), {"np": np, "x": np.load(folder / "x.npy")})


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
            case "pip":
                check_install(arguments)
            case "python":
                assert (ROOT / arguments[0]).is_file()
            case _:
                pytest.fail(f"no way to check {command!r}")


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

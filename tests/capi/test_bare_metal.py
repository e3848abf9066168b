"""Without an operating system: what such a build needs, and a network on an emulated Cortex-M3."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import intaglio
from intaglio import demo

#: Of the C library, and of the compiler's own: arithmetic that the CPU does not have.
NEEDED = re.compile(r"mem(cpy|set|move|cmp)|strlen|sqrtf|__aeabi_\w+|__ctzdi2|__popcountsi2|__clzdi2")

SAMPLES = 4


def output_of(*command: object) -> str:
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def run_example(cmake: str, root: Path, prefix: Path, folder: Path, graph: intaglio.Graph) -> str:
    """What examples/cortex_m says of this network."""
    (folder / "network").mkdir()
    graph.embed(folder / "network" / "network.c")
    build = folder / "build"
    options = [
        f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DNETWORK={folder / 'network'}",
        "-DCMAKE_C_FLAGS=-Werror -mcpu=cortex-m3 -mthumb",
    ]
    toolchain = root / "cmake" / "toolchains" / "cortex-m3.cmake"
    output_of(cmake, "-S", root / "examples" / "cortex_m", "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", *options)
    output_of(cmake, "--build", build)
    machine = ["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "none"]
    return output_of(
        "qemu-system-arm", *machine, "-semihosting-config", "enable=on,target=native", "-kernel", build / "spot.elf"
    )


def samples(shape: tuple[int, ...], dtype: np.dtype) -> Iterator[np.ndarray]:
    """Those that the example makes."""
    state = 1
    for _ in range(SAMPLES):
        values = bytearray()
        for _ in range(int(np.prod(shape))):
            state = (state * 1664525 + 1013904223) % 2**32
            values.append(state >> 24)
        yield np.frombuffer(bytes(values), dtype).reshape(shape)


def expected(graph: intaglio.Graph) -> list[str]:
    """What the example should print first."""
    (port,) = graph.inputs
    model = intaglio.load(graph)
    lines, state = [], 0xCBF29CE484222325
    for sample in samples(graph.tensors[port.tensor].shape, port.dtype):
        (scores,) = model.run({port.tensor: sample}, raw=True).values()
        lines.append(f"class {scores.argmax()}")
        for byte in scores.tobytes():
            state = (state ^ byte) * 0x100000001B3 % 2**64
    return [*lines, f"hash {state:016x}"]


def check(printed: str, graph: intaglio.Graph) -> tuple[int, int]:
    """The answers; returns the memory of model and context."""
    lines = printed.splitlines()
    assert lines[: SAMPLES + 1] == expected(graph)
    (model,) = re.findall(r"^model \d+ bytes, while opening (\d+)$", printed, re.MULTILINE)
    (context,) = re.findall(r"^context (\d+) bytes$", printed, re.MULTILINE)
    return int(model), int(context)


def test_keyword_spotting(cmake: str, root: Path, cortex_m3: Path, tmp_path: Path, data: Path) -> None:
    """Weights stay in flash: 22 kB of them would show in the memory."""
    graph = intaglio.convert(data / "models" / "mlperf_kws_int8.tflite", requant="fixed")
    model, context = check(run_example(cmake, root, cortex_m3, tmp_path, graph), graph)
    assert model <= 20 * 1024
    assert context <= 17 * 1024


def test_float32_requantization(cmake: str, root: Path, cortex_m3: Path, tmp_path: Path) -> None:
    """The same bits without an FPU: the demo's network scales sums in float32."""
    graph = intaglio.Graph.from_bytes(demo.model_bytes())
    check(run_example(cmake, root, cortex_m3, tmp_path, graph), graph)


def test_library_needs_no_operating_system(cortex_m3: Path) -> None:
    (library,) = cortex_m3.rglob("libintaglio.a")
    names = set(re.findall(r"^ +U (\S+)$", output_of("arm-none-eabi-nm", library), re.MULTILINE))
    own = set(re.findall(r"^\w+ [A-TV-Z] (\S+)$", output_of("arm-none-eabi-nm", library), re.MULTILINE))
    assert len(own) > 100
    assert [name for name in names - own if NEEDED.fullmatch(name) is None] == []


def test_pkg_config_names_what_was_built(cortex_m3: Path) -> None:
    """Neither threads nor another C library's options: arithmetic alone."""
    (file,) = cortex_m3.rglob("intaglio.pc")
    assert re.findall(r"^Libs\.private: *(.*)$", file.read_text("utf-8"), re.MULTILINE) == ["-lm"]


def test_files_and_memory_are_refused(bare_metal: Path, root: Path, tmp_path: Path) -> None:
    """The same build for this CPU: what it lacks, it says."""
    builder = intaglio.Builder()
    builder.output(builder.transpose(builder.input("x", (2, 3), scale=0.5, zero_point=1), (1, 0)))
    builder.build().save(tmp_path / "net.intaglio")
    (library,) = bare_metal.rglob("libintaglio.a")
    program, source = tmp_path / "program", root / "tests" / "capi" / "bare_metal.c"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{bare_metal / 'include'}"]
    output_of("gcc", *flags, source, library, "-lm", "-o", program)
    output_of(program, tmp_path / "net.intaglio")


def test_text_is_that_of_printf(root: Path, tmp_path: Path) -> None:
    """Messages are written by the engine itself."""
    program = tmp_path / "text"
    sources = [root / "tests" / "capi" / "text.cpp", root / "csrc" / "base" / "text.cpp"]
    output_of("g++", "-std=c++20", "-O1", "-Wall", "-Werror", f"-I{root / 'csrc'}", *sources, "-o", program)
    output_of(program)

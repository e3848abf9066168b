"""What loading and running leave alone: other threads, forked children, signals, the floating-point environment."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networks
import numpy as np
import pytest

import intaglio


def in_a_new_process(code: str) -> str:
    """What the code prints."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    finished = subprocess.run(
        [sys.executable, "-c", "import networks, intaglio, numpy as np\n" + code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_one_model_from_many_threads(threads: int) -> None:
    graph = networks.wide(16)
    model = intaglio.load(graph, threads=threads)
    inputs = networks.samples(8, (24, 24, 16))
    expected = networks.oracle(graph, inputs)

    def work(i: int) -> bool:
        return all(np.array_equal(model(inputs[j : j + 1])[0], expected[j]) for j in [i % 8, (i + 3) % 8] * 5)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))


def test_loading_from_many_threads() -> None:
    graph = networks.small()
    x = networks.samples(3)
    expected = networks.oracle(graph, x)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: np.array_equal(intaglio.load(graph.to_bytes())(x), expected), range(64)))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_bits_do_not_depend_on_threads_or_batches(threads: int) -> None:
    graph = networks.wide(32)
    x = networks.samples(7, (24, 24, 32))
    expected = networks.oracle(graph, x[:2])
    model = intaglio.load(graph, threads=threads)
    whole = model(x)
    np.testing.assert_array_equal(whole[:2], expected)
    np.testing.assert_array_equal(whole, np.concatenate([model(one[None]) for one in x]))
    np.testing.assert_array_equal(whole, intaglio.load(graph, threads=1)(x))


def test_no_thread_is_started_without_need() -> None:
    code = """
import os
def threads(): return len(os.listdir("/proc/self/task"))
before = threads()
one, small = intaglio.load(networks.wide(), threads=1), intaglio.load(networks.small(), threads=4)
one(networks.samples(2, (24, 24, 64))); small(networks.samples(1))
alone = threads() - before
several = intaglio.load(networks.wide(), threads=3)
several(networks.samples(1, (24, 24, 64)))
again = intaglio.load(networks.wide(), threads=2)
again(networks.samples(1, (24, 24, 64)))
print(alone, threads() - before)
"""
    assert in_a_new_process(code) == "0 2"


def test_a_forked_child_has_its_own_workers() -> None:
    code = """
import os, sys
model = intaglio.load(networks.wide(), threads=2)
x = networks.samples(3, (24, 24, 64))
expected = model(x)
for _ in range(5):
    child = os.fork()
    if child == 0:
        os._exit(0 if all(np.array_equal(model(x[i:i+1])[0], expected[i]) for i in range(3)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert np.array_equal(model(x), expected)
print("right")
"""
    assert in_a_new_process(code) == "right"


def test_fork_while_other_threads_run() -> None:
    code = """
import os, threading
model = intaglio.load(networks.wide(16), threads=2)
x = networks.samples(2, (24, 24, 16))
expected = model(x)
stop = False
def work():
    while not stop: model(x)
workers = [threading.Thread(target=work) for _ in range(3)]
for worker in workers: worker.start()
codes = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(model(x), expected) else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop = True
for worker in workers: worker.join()
print(set(codes))
"""
    assert in_a_new_process(code) == "{0}"


def test_a_long_batch_can_be_interrupted() -> None:
    model = intaglio.load(networks.wide(), threads=1, isa="scalar")
    few, many = networks.samples(1, (24, 24, 64)), np.zeros((5000, 24, 24, 64), np.int8)
    expected = model(few)
    pid = os.getpid()
    timer = threading.Timer(0.2, lambda: os.kill(pid, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model(many)
    timer.join()
    np.testing.assert_array_equal(model(few), expected)


def test_signals_go_to_the_users_threads() -> None:
    code = """
import os, signal, time
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
model = intaglio.load(networks.wide(), threads=2)
x = networks.samples(1, (24, 24, 64))
model(x)
blocked = 0
for task in os.listdir("/proc/self/task"):
    status = open(f"/proc/self/task/{task}/status").read()
    mask = int(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16)
    blocked += bool(mask >> (signal.SIGUSR1 - 1) & 1)
os.kill(os.getpid(), signal.SIGUSR1)
model(x)
print(blocked, seen)
"""
    assert in_a_new_process(code) == "1 [1]"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_a_worker_is_woken_on_another_core_unless_it_has_been_told_where_to_run() -> None:
    code = """
import os, time
before = set(os.listdir("/proc/self/task"))
model = intaglio.load(networks.wide(), threads=2)
x = networks.samples(8, (24, 24, 64))
model(x)
(worker,) = (int(task) for task in set(os.listdir("/proc/self/task")) - before)
cores = os.sched_getaffinity(0)
a, b = sorted(cores)[:2]
def left_after_a_run_on(core):
    os.sched_setaffinity(0, {core})
    time.sleep(0.1)
    model(x)
    return os.sched_getaffinity(worker)
assert left_after_a_run_on(a) == cores - {a}
assert left_after_a_run_on(a) == cores - {a}
assert left_after_a_run_on(b) == cores - {b}
os.sched_setaffinity(worker, {b})
for core in (b, a, b):
    assert left_after_a_run_on(core) == {b}
os.sched_setaffinity(worker, {a, b})
assert left_after_a_run_on(b) == {a}
print("elsewhere")
"""
    assert in_a_new_process(code) == "elsewhere"


def test_a_short_run_wakes_workers_only_soon_after_another_and_a_long_run_always() -> None:
    code = """
import time
from pathlib import Path
tasks = Path("/proc/self/task")
before = set(tasks.iterdir())
model, long = (intaglio.load(networks.wide(channels), threads=2) for channels in (64, 128))
x, long_x = (networks.samples(1, (24, 24, channels)) for channels in (64, 128))
model(x)
(worker,) = set(tasks.iterdir()) - before
def times_asleep():
    lines = (worker / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
def woken(runs, pause, model=model, x=x):
    time.sleep(0.1)
    before = times_asleep()
    for _ in range(runs):
        time.sleep(pause)
        model(x)
    time.sleep(0.1)
    return times_asleep() > before
print(max(step.threads for step in model.plan()), woken(20, 0.01), woken(2000, 0))
print(woken(20, 0.01, long, long_x))
"""
    assert in_a_new_process(code) == "2 False True\nTrue"


def test_the_floating_point_environment_is_ours_while_running_and_the_callers_afterwards() -> None:
    libm = ctypes.CDLL("libm.so.6")
    toward_zero = {"x86_64": 0xC00, "aarch64": 0xC00000}.get(os.uname().machine)
    if toward_zero is None:
        pytest.skip(f"rounding modes of {os.uname().machine} are not known here")
    graph = networks.small()
    x = networks.samples(9)
    expected = networks.oracle(graph, x)
    model = intaglio.load(graph)
    floats = (np.random.default_rng(4).normal(0, 4, x.shape)).astype(np.float32)
    floats_expected = model(floats)
    assert libm.fesetround(toward_zero) == 0
    try:
        result = model(x)
        from_floats = model(floats)
        loaded = intaglio.load(graph.to_bytes())(x)
        mode = libm.fegetround()
    finally:
        libm.fesetround(0)
    assert mode == toward_zero
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(loaded, expected)
    np.testing.assert_array_equal(from_floats, floats_expected)
    libm.feclearexcept(0x3D)
    model(x)
    assert libm.fetestexcept(0x3D) == 0


def test_quiet() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = intaglio.load(networks.small())
        model(np.full(networks.SAMPLE, 1e300))
    code = "intaglio.load(networks.small())(networks.samples(1))"
    assert in_a_new_process(code) == ""


def test_import_brings_nothing_but_numpy() -> None:
    code = """
import sys
print(sorted({name.split(".")[0] for name in sys.modules} & {"tflite", "flatbuffers", "PIL", "sklearn", "hypothesis"}))
"""
    assert in_a_new_process(code) == "[]"


def test_memory_does_not_grow() -> None:
    code = """
import resource
graph = networks.wide(16)
data = graph.to_bytes()
x = networks.samples(1, (24, 24, 16))
def work(n):
    for _ in range(n):
        model = intaglio.load(data, threads=2)
        for _ in range(3): model(x)
        try: model(x[0])
        except intaglio.Error: pass
work(50)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
work(300)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2048)
"""
    assert in_a_new_process(code) == "True"


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="needs Linux with transparent huge pages"
)
def test_large_networks_ask_for_huge_pages_and_small_ones_do_not() -> None:
    asked = """
from pathlib import Path
rng = np.random.default_rng(0)
for size in (64, 2048):
    b = intaglio.Builder()
    x = b.input("x", (1, size), 0.02, 0)
    for _ in range(3):
        x = b.fully_connected(x, rng.integers(-127, 128, (size, size)).astype(np.int8), 0.001, None, 0.02, 0)
    b.output(x)
    model = intaglio.load(b.build(), threads=1)
    flags = [line.split()[1:] for line in Path("/proc/self/smaps").read_text().splitlines() if line[:7] == "VmFlags"]
    print(any("hg" in flag for flag in flags), model.weight_bytes // 2**20, end=" ")
"""
    assert in_a_new_process(asked) == "False 0 True 12"

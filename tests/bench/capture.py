"""What debug costs the program that is traced, off and on, against bare and against others."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httplib2
from googleapiclient.http import HttpRequest

from tests.bench import _client

KINDS = {"list": "users.list, 20 KB page", "get": "messages.get, 5 KB", "send": "messages.send"}
MUST = {"list": (1.50, 1.20), "get": (1.27, 1.16), "send": (1.25, 1.20)}
OFF_MUST = (150.0, 100.0)
PEER_MUST = (2.0, 3.0)
TOGGLE_MUST = (50.0, 25.0)
_ROUNDS_OF_A_PROCESS = 6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=50, help="calls of each type in a round")
    parser.add_argument("--tools", nargs="*", default=list(_client.TOOLS))
    chosen = parser.parse_args()
    rows = Rows()
    rows.head()
    nanoseconds = off_cost()
    rows.add("off: all hooks of a call, ns", f"{nanoseconds:.0f}", OFF_MUST, nanoseconds)
    figures = measure(chosen.rounds, chosen.calls, chosen.tools)
    report(rows, figures, chosen.rounds * chosen.calls)
    for label, milliseconds in toggle().items():
        rows.add(
            f"{label} to effect elsewhere, median ms",
            f"{milliseconds:.1f}",
            TOGGLE_MUST,
            milliseconds,
        )


class Rows:
    """One table."""

    def head(self) -> None:
        """Print the column names."""
        self.line("", "measured", "must", "stretch", "")

    def add(
        self,
        label: str,
        shown: str,
        goal: tuple[float, float] | None,
        value: float,
        *,
        least: bool = False,
    ) -> None:
        """Print a row; `least` means that more is better."""
        if goal is None:
            self.line(label, shown, "", "", "")
            return
        sign = "≥" if least else "≤"
        met = [value >= each if least else value <= each for each in goal]
        verdict = "stretch" if met[1] else "must" if met[0] else "MISSED"
        self.line(label, shown, f"{sign} {goal[0]:g}", f"{sign} {goal[1]:g}", verdict)

    @staticmethod
    def line(label: str, *cells: str) -> None:
        """Print one line."""
        widths = (30, 10, 10, 10)
        text = f"{label:<52}" + "".join(
            f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)
        )
        sys.stdout.write(text.rstrip() + "\n")
        sys.stdout.flush()


# -- off ------------------------------------------------------------------------------------------


def off_cost() -> float:
    """Return the ns that the hooks of a call add while debug is off: the client's own request on a
    transport that answers at once."""
    from tracer.capture import http, request
    from tracer.capture.recorder import Recorder

    answer = (httplib2.Response({"status": "200"}), b"")

    class Stub:
        def _conn_request(self, conn: Any, uri: str, method: str, body: Any, headers: Any) -> Any:
            return answer

        def request(self, uri: str, method: str, body: Any, headers: Any) -> Any:
            return self._conn_request(None, uri, method, body, headers)

    class HookedStub(Stub):
        pass

    class Request(HttpRequest):
        pass

    def made(kind: type[HttpRequest], transport: Any) -> Callable[[], Any]:
        request: Any = kind(transport, lambda _, content: content, "http://stub/")
        execute: Callable[[], Any] = request.execute
        return execute

    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRACER_HOME"] = folder
        recorder = Recorder()
        setattr(HookedStub, "_conn_request", http.patched(Stub._conn_request, recorder))  # noqa: B010
        setattr(Request, "execute", request.patched_execute(HttpRequest.execute, recorder))  # noqa: B010
        bare, hooked = made(HttpRequest, Stub()), made(Request, HookedStub())
        best = {bare: 1e9, hooked: 1e9}
        for _ in range(60):
            for each in (bare, hooked):
                best[each] = min(best[each], _loop(each))
        recorder.close()
    return best[hooked] - best[bare]


def _loop(call: Callable[[], Any], count: int = 5_000) -> float:
    began = time.perf_counter_ns()
    for _ in range(count):
        call()
    return (time.perf_counter_ns() - began) / count


# -- on -------------------------------------------------------------------------------------------

Figures = dict[tuple[str, str], list[tuple[float, float]]]
"""(tool, kind) → for each round the median of a call and the CPU a call, both in µs."""


def measure(rounds: int, calls: int, tools: list[str]) -> Figures:
    """Run all tools side by side, in shuffled rounds, each in a process of its own.

    Where a process has its memory alone makes it some percent faster or slower, so that new ones
    take over every few rounds.
    """
    figures: Figures = {}
    for begin in range(0, rounds, _ROUNDS_OF_A_PROCESS):
        _measure(figures, min(_ROUNDS_OF_A_PROCESS, rounds - begin), calls, tools)
    return figures


def _measure(figures: Figures, rounds: int, calls: int, tools: list[str]) -> None:
    """Add the figures of some rounds of new processes."""
    with tempfile.TemporaryDirectory() as folder, server() as port:
        workers = {tool: worker(tool, port, Path(folder)) for tool in tools}
        try:
            for number in range(-2, rounds):
                jobs = [(tool, kind) for tool in tools for kind in KINDS]
                random.shuffle(jobs)
                for tool, kind in jobs:
                    median, cpu = ask(workers[tool], kind, calls)
                    if number >= 0:  # the first two warm up
                        figures.setdefault((tool, kind), []).append((median, cpu))
        finally:
            for each in workers.values():
                each.communicate()


@contextmanager
def server() -> Iterator[int]:
    """Run the server on the second core, and yield its port."""
    core = [str((os.cpu_count() or 1) - 1)] if (os.cpu_count() or 1) > 1 else []
    command = [sys.executable, "-m", "tests.bench._server", *core]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate()


def worker(tool: str, port: int, folder: Path) -> "subprocess.Popen[str]":
    """Start one tool's client on the first core."""
    home = folder / tool.replace(" ", "-")
    home.mkdir()
    environment = {**os.environ, "TRACER_HOME": str(home), "TRACER_RAISE": "1"}
    if tool == "on":
        os.environ["TRACER_HOME"] = str(home)
        from tracer import control

        control.turn_on("bench")
    command = [sys.executable, "-m", "tests.bench._client", tool, str(port), "0", str(home)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise RuntimeError(f"the client with {tool} did not start")
    return process


def ask(process: "subprocess.Popen[str]", kind: str, calls: int) -> tuple[float, float]:
    """Let a client make its calls; return the median and the CPU of a call, µs."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{kind} {calls}\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    return statistics.median(answer["ns"]) / 1e3, answer["cpu"] / calls / 1e3


def report(rows: Rows, figures: Figures, calls: int) -> None:
    """Print what was measured of whole calls."""
    tools = {tool for tool, _ in figures}
    for kind, label in KINDS.items():
        bare = statistics.median(wall for wall, _ in figures["bare", kind])
        rows.add(f"{label}: bare, µs ({calls} calls)", f"{bare:.0f}", None, bare)
        for tool in ("bare again", "off", "on", "dump", "spans"):
            if tool in tools:
                ratio, added = against(figures, tool, kind, 0)
                goal = (
                    MUST[kind] if tool == "on" else (1.02, 1.02) if tool == "bare again" else None
                )
                rows.add(f"{label}: {tool} / bare", f"{ratio:.3f}   {added:+.0f} µs", goal, ratio)
    if "on" not in tools:
        return
    for kind, label in KINDS.items():
        ours = against(figures, "on", kind, 1)[1]
        rows.add(f"{label}: CPU added by on, µs", f"{ours:.0f}", None, ours)
        for tool in ("dump", "spans"):
            if tool in tools:
                theirs = against(figures, tool, kind, 1)[1]
                times = theirs / ours
                shown = f"{times:.1f}×   {theirs:.0f} µs"
                rows.add(f"{label}: CPU added by {tool} / on", shown, PEER_MUST, times, least=True)


def against(figures: Figures, tool: str, kind: str, column: int) -> tuple[float, float]:
    """Return the medians over rounds of ratio and difference to bare in the same round."""
    pairs = list(zip(figures[tool, kind], figures["bare", kind], strict=True))
    ratio = statistics.median(ours[column] / bare[column] for ours, bare in pairs)
    return ratio, statistics.median(ours[column] - bare[column] for ours, bare in pairs)


# -- switching ------------------------------------------------------------------------------------

WATCHER = """
import sys, time
from tracer.control import Watch
watch = Watch()
on = False
print("ready", flush=True)
while True:
    now = watch.state() is not None
    if now != on:
        on = now
        print(time.monotonic(), flush=True)
    time.sleep(0.0005)
"""


def toggle(times: int = 20) -> dict[str, float]:
    """Return the median ms from `turn_on` and `turn_off` to another process seeing it."""
    from tracer import control

    found: dict[str, list[float]] = {"on": [], "off": []}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRACER_HOME"] = folder
        process = subprocess.Popen(
            [sys.executable, "-c", WATCHER], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(times):
            for label, switch in (("on", control.turn_on), ("off", control.turn_off)):
                time.sleep(random.random() / 20)
                began = time.monotonic()
                switch()
                found[label].append((float(process.stdout.readline()) - began) * 1e3)
        process.kill()
        process.communicate()
    return {label: statistics.median(each) for label, each in found.items()}


if __name__ == "__main__":
    main()

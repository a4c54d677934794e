"""Programs from npm: installed on demand, started on loopback, ended."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[3] / ".cache" / "npm"
PATIENCE = 60.0
"""Seconds that a program may take until it listens."""


def missing(reason: str) -> None:
    """Skip the test; in CI, where everything can be had, fail instead."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def installed(*packages: str) -> Path:
    """Return the ``node_modules`` that holds these packages, ``name@version`` each."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        missing("node and npm are not installed")
    assert npm is not None
    name = "+".join(packages).replace("/", "-")
    folder = CACHE / name
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _install(npm, packages, folder)
    return folder / "node_modules"


def _install(npm: str, packages: Sequence[str], folder: Path) -> None:
    """Install into a folder aside, and put it in place in one step: other tests may do the same."""
    with tempfile.TemporaryDirectory(dir=CACHE) as aside:
        (Path(aside) / "package.json").write_text('{"private": true}')
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        done = subprocess.run(
            [npm, "install", *options, *packages],
            cwd=aside, capture_output=True, text=True, check=False, timeout=110,
        )  # fmt: skip
        if done.returncode:
            missing(f"npm cannot install {', '.join(packages)}: {done.stderr.strip()[-200:]}")
        with contextlib.suppress(OSError):  # somebody else was faster
            Path(aside).rename(folder)
        Path(aside).mkdir(exist_ok=True)  # what is cleaned up


@contextmanager
def listening(command: Sequence[str | Path], port: int) -> Iterator[str]:
    """Run a program until the end of the block; yield its address once it listens."""
    quiet = subprocess.DEVNULL  # a pipe that nobody reads would fill up and stop the program
    process = subprocess.Popen(list(map(str, command)), stdout=quiet, stderr=quiet)
    try:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, f"the program ended with {process.returncode}"
            assert time.monotonic() < until, f"nothing listens on port {port}"
            time.sleep(0.05)
        else:
            return

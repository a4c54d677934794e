"""A pytest plugin: debug on, everything attached, before the test modules are imported.

Runs in the suites' own processes (`-p hooked`), where `tests` is somebody else's package.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(os.environ["TRACER_REPOSITORY"])

from tracer import control
from tracer.capture.install import install
from tracer.capture.recorder import Recorder

STATE, _ = control.turn_on("upstream")
COUNTS = Path(os.environ["TRACER_COUNTS"])  # now: one suite empties the environment
recorder = Recorder()
install(recorder)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Look at the control file anew: tests that stop the clock would keep us from it."""
    recorder.look_again = 0.0
    yield


def pytest_sessionfinish() -> None:
    """Leave behind how much was recorded: nothing recorded would prove nothing."""
    recorder.close()
    counts: dict[str, int] = {}
    for line in Path(STATE.file).read_bytes().splitlines():
        if line:
            event = json.loads(line)
            key = event["name"] if event["kind"] == "gap" else event["kind"]
            if event["phase"] != "start":
                counts[key] = counts.get(key, 0) + 1
    COUNTS.write_text(json.dumps(counts), encoding="utf-8")

"""What every test gets: a clean environment; and the stand-in for Google, for who asks for it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from samples.sandbox import Sandbox, seed_world

# What a shell starts in the background ignores Ctrl-C, and so would every program we start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# No test asserts a time: the machine may be busy. Else as Hypothesis chose, which knows a CI.
settings.register_profile(
    "busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep the developer's own settings, sessions, proxies and language out; return TRACER_HOME."""
    for name in list(os.environ):
        if name.startswith(("TRACER_", "TRACEVIEW_", "GOOGLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("LC_ALL", "LC_MESSAGES", "NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    home = tmp_path / "tracer-home"
    monkeypatch.setenv("TRACER_HOME", str(home))
    return home


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """The stand-in for Workspace and Exchange on loopback, with the companies of the seed page."""
    with Sandbox(seed_world()) as running:
        yield running

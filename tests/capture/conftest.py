"""What the seams' tests share: a web server, and debug that is on and attached to everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.web import Web, serve
from tests.support.capture import Recording, recording
from tracer.capture.install import install, uninstall


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server on loopback."""
    with serve() as running:
        yield running


@pytest.fixture
def traced(clean_environment: Path) -> Iterator[Recording]:
    """Debug that is on, attached to everything."""
    with recording(attach=False) as running:
        install(running.recorder)
        try:
            yield running
        finally:
            uninstall()

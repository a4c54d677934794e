"""The sandbox for tokens and what the other stand-in lacks, and a layer that is recorded."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from samples.sandbox import Sandbox
from tests.support.capture import Recording, recording
from tracer.capture import google
from tracer.protocol.gsuite.credentials import Tokens, read_key
from tracer.protocol.gsuite.layer import GSuite
from tracer.protocol.settings import load

Layer = Callable[[str], GSuite]


@pytest.fixture
def recorded() -> Iterator[Recording]:
    """Switch debug on."""
    with recording() as on:
        yield on


@pytest.fixture
def layer(box: Sandbox, recorded: Recording, tmp_path: Path) -> Iterator[Layer]:
    """Return what makes a layer for an address; its tokens come from the sandbox."""
    key = box.key_file(tmp_path / "key.json")
    made: list[GSuite] = []

    def make(url: str) -> GSuite:
        flags = {
            "endpoint": url, "service_account_file": str(key), "network.retries": "0",
            "directory_account": "admin@diva-gs.com", "windows_account": "test@divalto.com",
        }  # fmt: skip
        gsuite = GSuite(
            load(environ={}, flags=flags),
            http=partial(google.http, recorded.recorder),
            request_builder=google.request_builder(recorded.recorder),
        )
        gsuite.google.tokens = Tokens(read_key(key), f"{box.url}/token")
        made.append(gsuite)
        return gsuite

    yield make
    for one in made:
        one.close()

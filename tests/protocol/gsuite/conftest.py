"""The layer against the Workspace stand-in on loopback, and what it states in between."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from samples.sandbox import Sandbox
from tracer.operation import set_sink
from tracer.protocol.gsuite.layer import GSuite
from tracer.protocol.settings import Settings, load


class Listener:
    """Keeps what the layer states."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def active(self) -> bool:
        return True

    def emit(self, **event: Any) -> None:
        self.events.append(event)

    def of(self, kind: str, phase: str = "point") -> list[dict[str, Any]]:
        """Return the events of one kind and phase."""
        return [e for e in self.events if (e["kind"], e["phase"]) == (kind, phase)]

    def steps(self) -> list[tuple[str, str, str]]:
        """Return rule, verdict and reason of each step."""
        return [
            (e["name"], e["data"]["verdict"], e["data"]["reason"]["code"]) for e in self.of("step")
        ]

    def end(self, name: str) -> dict[str, Any]:
        """Return the data of the only end line of the operation `name`, its status included."""
        (found,) = (e for e in self.of("operation", "end") if e["name"] == name)
        return {**found["data"], "status": found["status"]}


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Listen to the layer."""
    made = Listener()
    before = set_sink(made)
    yield made
    set_sink(before)


@pytest.fixture
def settings(box: Sandbox, tmp_path: Path) -> Callable[..., Settings]:
    """Return what makes settings for the sandbox; flags as `load` takes them."""

    def make(**flags: str) -> Settings:
        key = box.key_file(tmp_path / "key.json")
        given = {
            "endpoint": box.url,
            "service_account_file": str(key),
            "directory_account": "admin@diva-gs.com",
        }
        return load(environ={}, flags={**given, **flags})

    return make


class Layer(GSuite):
    """A layer that does not sleep but says how long it would have."""

    def __init__(self, settings: Settings, **wiring: Any) -> None:
        self.slept: list[float] = []
        super().__init__(settings, sleep=self.slept.append, **wiring)


@pytest.fixture
def layers(settings: Callable[..., Settings]) -> Iterator[Callable[..., Layer]]:
    """Return what makes layers on the sandbox; flags as `load` takes them."""
    made: list[Layer] = []

    def make(**flags: str) -> Layer:
        made.append(Layer(settings(**flags)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def layer(layers: Callable[..., Layer]) -> Layer:
    """The layer with the sandbox's settings."""
    return layers()

"""An operation of the layer: opened with who acts, closed with what went wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tracer.operation import Operation, operation
from tracer.protocol.errors import LayerError
from tracer.protocol.identity import Identity
from tracer.protocol.settings import Settings


@contextmanager
def running(
    name: str, topic: str, settings: Settings, identity: Identity | None = None, **data: Any
) -> Iterator[Operation]:
    """Open the operation `name`, state the settings in force, and close it with its error.

    An error's cause and remedy go into the trace with it.
    """
    if identity is not None:
        data["identity"] = identity.data()
    with operation(name, topic, **data) as op:
        op.settings("settings", {"values": settings.data()})
        try:
            yield op
        except LayerError as error:
            op.result(error=error.data())
            raise

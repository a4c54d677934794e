"""A fresh sandbox for each test, and Google's client pointed at it."""

import base64
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any, TypeAlias

import pytest

from samples.sandbox import Sandbox
from samples.sandbox.client import service

Connect: TypeAlias = Callable[..., Any]


@pytest.fixture
def connect(box: Sandbox) -> Iterator[Connect]:
    """Build services for the sandbox; their connections are closed afterwards."""
    made: list[Any] = []

    def build(name: str, subject: str | None, *scopes: str, **options: Any) -> Any:
        made.append(service(options.pop("box", box), name, subject, *scopes, **options))
        return made[-1]

    yield build
    for one in made:
        one.close()


def mail(to: str = "client@example.net", sender: str = "", **headers: str) -> EmailMessage:
    """Compose a short message."""
    message = EmailMessage()
    if sender:
        message["From"] = sender
    if to:
        message["To"] = to
    message["Subject"] = headers.pop("subject", "Bonjour")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Texte du message.\n")
    return message


def raw(message: EmailMessage | bytes) -> dict[str, str]:
    """Return the request body that sends `message`."""
    content = message if isinstance(message, bytes) else message.as_bytes()
    return {"raw": base64.urlsafe_b64encode(content).decode()}

"""The messaging layer as its callers see it, whatever the protocol."""

from dataclasses import dataclass
from typing import Protocol

from tracer.protocol.identity import Identity
from tracer.protocol.mime import Mail


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that left."""

    message_id: str
    account: str
    """The account it left from."""
    via: str
    """Which rule gave the account: configured, env, user, account; or the protocol's own way."""
    id: str = ""
    """The server's id of it, where it has one."""
    found: bool = False
    """The answer was lost, and the mail was found in Sent."""


class Messaging(Protocol):
    """What every protocol of the layer can do; `settings.protocol` chooses one."""

    def send(self, mail: Mail, identity: Identity) -> Sent:
        """Send `mail` as `identity`; the operation ``send``.

        Raises:
            LayerError: It did not leave, or (DoubtfulSendError) nobody knows.
        """
        ...

    def close(self) -> None:
        """Close every connection."""
        ...

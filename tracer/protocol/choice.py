"""The one line of the settings that chooses the protocol."""

from typing import Any

from tracer.protocol.errors import SettingsError
from tracer.protocol.messaging import Messaging
from tracer.protocol.options import Protocol
from tracer.protocol.settings import Settings


def messaging(settings: Settings, **wiring: Any) -> Messaging:
    """Return the layer that ``settings.protocol`` names; `wiring` is what `Google` takes.

    Raises:
        SettingsError: A setting that this protocol needs is missing or wrong.
    """
    if settings.options.protocol is Protocol.GSUITE:
        from tracer.protocol.gsuite.layer import GSuite

        return GSuite(settings, **wiring)
    raise SettingsError(
        f"protocol {settings.options.protocol} cannot send",
        remedy="set protocol to gsuite in the settings",
    )

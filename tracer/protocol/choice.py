"""The one line of the settings that chooses the protocol."""

from collections.abc import Callable
from typing import Any

from tracer.protocol.messaging import Messaging
from tracer.protocol.options import Protocol
from tracer.protocol.settings import Settings


def messaging(
    settings: Settings, *, outlook: Callable[[], Any] | None = None, **wiring: Any
) -> Messaging:
    """Return the layer that ``settings.protocol`` names.

    Args:
        settings: The settings in force.
        outlook: Returns Outlook's Application object for MAPI, so that it can be wrapped.
        wiring: What `Google` takes.

    Raises:
        SettingsError: A setting that this protocol needs is missing or wrong.
    """
    match settings.options.protocol:
        case Protocol.GSUITE:
            from tracer.protocol.gsuite.layer import GSuite

            return GSuite(settings, **wiring)
        case Protocol.SMTP:
            from tracer.protocol.smtp import SmtpMessaging

            return SmtpMessaging(settings)
        case Protocol.EWS:
            from tracer.protocol.ews import EwsMessaging

            return EwsMessaging(settings)
        case Protocol.MAPI:
            from tracer.protocol.mapi import MapiMessaging

            return MapiMessaging(settings, outlook)

"""What every `tracer act` command stands on: settings, layer and capture together, output."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracer import control
from tracer.cli.exits import ExitCode
from tracer.protocol.errors import (
    LayerError,
    MessageError,
    RateLimitError,
    RefusedError,
    ServiceError,
    SettingsError,
    UnreachableError,
)
from tracer.protocol.identity import Identity
from tracer.protocol.settings import Settings, load

if TYPE_CHECKING:
    from tracer.protocol.contacts import ContactReader
    from tracer.protocol.gsuite.layer import GSuite
    from tracer.protocol.messaging import Messaging

Subparsers = Any
"""What ``add_subparsers`` returns; argparse keeps its name private."""

IDENTITY: Final = ("environment", "harmony_user", "windows_account", "account")


class Context:
    """One command's settings and layer, made when first asked for."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args

    @cached_property
    def settings(self) -> Settings:
        """The settings in force, the flags of this command included."""
        flags: dict[str, str] = {}
        for text in self.args.set:
            key, found, value = text.partition("=")
            if not found:
                raise SettingsError(f"--set {text}: write KEY=VALUE")
            flags[key.strip()] = value
        for key in IDENTITY:
            value = getattr(self.args, key, None)
            if value is not None:
                flags[key] = value
        return load(self.args.settings, flags=flags, home=self.home)

    @property
    def home(self) -> Path:
        """TRACER_HOME."""
        return control.home()

    @property
    def identity(self) -> Identity:
        """Who acts."""
        return self.settings.identity

    @cached_property
    def wiring(self) -> dict[str, Any]:
        """The transports that record, for ``Google``; from here on the capture listens to all."""
        from tracer.capture import google
        from tracer.capture.install import install

        recorder = install()
        return {
            "http": partial(google.http, recorder),
            "request_builder": google.request_builder(recorder),
        }

    def gsuite(self) -> "GSuite":
        """Return the G Suite layer, whatever protocol the settings choose for mail."""
        from tracer.protocol.gsuite.layer import GSuite

        return GSuite(self.settings, **self.wiring)

    def messaging(self) -> "Messaging":
        """Return the layer of the protocol that the settings choose."""
        from tracer.protocol.choice import messaging

        return messaging(self.settings, outlook=self._outlook, **self.wiring)

    def contact_reader(self, source: str) -> "ContactReader":
        """Return who reads contacts from `source`: ldap, ews or mapi."""
        from tracer.capture.install import install

        install()
        if source == "ldap":
            from tracer.protocol.ldap import DirectoryServer

            return DirectoryServer(self.settings)
        if source == "ews":
            from tracer.protocol.ews import EwsMessaging

            return EwsMessaging(self.settings)
        from tracer.protocol.mapi import MapiMessaging

        return MapiMessaging(self.settings, self._outlook)

    def _outlook(self) -> Any:
        """Return the real Outlook with its calls recorded."""
        from tracer.capture.com_proxy import wrap
        from tracer.capture.install import install
        from tracer.protocol.mapi import outlook_application

        return wrap(outlook_application(), install())

    def show(self, data: Any, lines: Sequence[str]) -> None:
        """Print `data` as JSON when ``--json`` asks for it, else `lines`."""
        if self.args.json:
            print(json.dumps(data, ensure_ascii=False, indent=2))
        else:
            print("\n".join(map(visible, lines)))


def visible(text: str) -> str:
    """Return `text` with what a terminal would obey made visible; a server may have sent it."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def say(text: str) -> None:
    """Print talk, to stderr."""
    print(visible(text), file=sys.stderr)


Command = Callable[[Context], int]


def command(
    commands: Subparsers, name: str, action: Command, text: str, **more: Any
) -> argparse.ArgumentParser:
    """Add the sub-command `name` that does `action`, with the options all of them have."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, **more)
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the settings (TOML)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, for this time"
    )
    parser.add_argument("--json", action="store_true", help="the result for machines")
    who = parser.add_argument_group("who acts")
    who.add_argument("--environment", metavar="NAME", help="environment (LESPETITSPAINS)")
    who.add_argument("--windows-account", metavar="NAME", help="Windows account (user@domain)")
    who.add_argument("--harmony-user", metavar="NAME", help="Harmony user")
    who.add_argument(
        "--account", metavar="ADDRESS", help="Google account, instead of the settings'"
    )
    parser.set_defaults(run=partial(_guarded, parser.prog, action))
    return parser


def _guarded(name: str, action: Command, args: argparse.Namespace) -> int:
    """Run a command; an error of the layer becomes a few lines and an exit code."""
    try:
        return action(Context(args))
    except LayerError as error:
        return report(name, error)
    except control.ControlError as error:
        say(f"{name}: {error}")
        return ExitCode.REFUSED


def report(name: str, error: LayerError) -> ExitCode:
    """Print what went wrong, why, and what to do; return the exit code."""
    if isinstance(error, SettingsError | MessageError):  # wrong words: one line says it all
        said = (str(error), error.cause, error.remedy)
        say(f"{name}: {'; '.join(filter(None, said))}")
        return ExitCode.USAGE
    say(f"{name}: {error}")
    if error.cause:
        say(f"  why: {error.cause}")
    if isinstance(error, RefusedError) and error.admits:
        say(f"  it admits: {', '.join(error.admits)}")
    if error.remedy:
        say(f"  do: {error.remedy}")
    if isinstance(error, RefusedError):
        return ExitCode.REFUSED
    busy = isinstance(error, ServiceError) and error.status >= 500
    if busy or isinstance(error, RateLimitError | UnreachableError):
        return ExitCode.UNAVAILABLE
    return ExitCode.FAILED

"""Tickets that are loaded inside the interface: verified before anything is read from them."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.message import Message
from textual.screen import Screen

from viewer.model.visible import visible
from viewer.tui.asking import Open
from viewer.tui.lookapp import app_of
from viewer.tui.prompt import Prompt


class TicketScreen(Screen[None]):
    """Opens files; a ticket only once it is verified, and with its password if it has one."""

    locked: Path | None = None
    """The ticket whose password is asked for."""

    @dataclass
    class Verified(Message):
        """The files may be read; `kept` holds what was unpacked for that."""

        paths: list[str]
        kept: ExitStack

    @dataclass
    class Locked(Message):
        """A ticket needs its password, or (`again`) another one than was given."""

        path: Path
        again: bool

    @dataclass
    class Refused(Message):
        """A ticket is damaged, changed or hostile."""

        text: str

    async def ask(self, prompt: Prompt) -> None:
        """Open `prompt`."""
        raise NotImplementedError

    @work(thread=True, exclusive=True, group="ticket", exit_on_error=False)
    def load(self, path: Path, password: bytes | None = None) -> None:
        """Open `path`; if it is a ticket, verify it first."""
        from viewer.ticket.open import LockedError, TicketError, is_ticket, open_ticket

        if not is_ticket(path):
            self.post_message(Open([str(path)]))
            return
        with ExitStack() as stack:
            try:
                ticket = stack.enter_context(open_ticket(path, password))
            except LockedError:
                self.post_message(self.Locked(path, again=password is not None))
            except (TicketError, OSError) as error:
                self.post_message(self.Refused(str(error)))
            else:
                self.post_message(self.Verified(list(map(str, ticket.traces)), stack.pop_all()))

    @on(Verified)
    def _verified(self, event: Verified) -> None:
        app_of(self).unpacked.push(event.kept)
        self.post_message(Open(event.paths))

    @on(Locked)
    async def _locked(self, event: Locked) -> None:
        self.locked = event.path
        if event.again:
            app_of(self).say("ticket.wrong-password", "error", file=visible(event.path.name))
        await self.ask(Prompt("password", hidden=True))

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        app_of(self).say("open.failed", "error", text=visible(event.text))

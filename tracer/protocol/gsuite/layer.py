"""G Suite behind the layer's one interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from tracer.operation import Operation
from tracer.protocol.errors import RefusedError
from tracer.protocol.gsuite.accounts import Accounts, refusal
from tracer.protocol.gsuite.calendar import Calendar
from tracer.protocol.gsuite.client import Google
from tracer.protocol.gsuite.mailbox import Mailbox
from tracer.protocol.gsuite.people import People
from tracer.protocol.gsuite.send import Sender
from tracer.protocol.identity import Identity, fold
from tracer.protocol.messaging import Sent
from tracer.protocol.mime import Mail, compose
from tracer.protocol.options import OPTIONS
from tracer.protocol.running import running
from tracer.protocol.steps import Resolution
from tracer.schema.events import Topic


class GSuite:
    """Implements `Messaging` by Gmail; the account is the one the identity resolves to.

    Takes what `Google` takes.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.google = Google(*args, **options)
        self.settings = self.google.settings
        self.accounts = Accounts(self.google)
        self.sender = Sender(self.google)

    def resolve(self, identity: Identity) -> Resolution:
        """Return which account `identity` uses, and why."""
        return self.accounts.resolve(identity, self.settings.options.account)

    def account(self, identity: Identity) -> str:
        """Return the account that `identity` uses.

        Raises:
            RefusedError: It may not use the configured one, or none was found.
        """
        found = self.resolve(identity)
        if found.account is None:
            raise refusal(found, identity)
        return found.account

    def send(self, mail: Mail, identity: Identity) -> Sent:
        """Send `mail` from the account of `identity`."""
        with running("send", Topic.GMAIL, self.settings, identity) as op:
            self.check_option()
            account = self.accounts.account(op, identity, self.settings.options.account)
            now = datetime.now().astimezone()
            made = compose(mail, account, self.settings.options.code_page, now, bcc=True)
            op.result(message_id=made.message_id, size=len(made.raw))
            if mail.sender and fold(bare(mail.sender)) != fold(account):
                self.sender.check_sender(account, bare(mail.sender))
            found_id, found = self.sender.send(op, account, made, known=bool(mail.message_id))
            op.result(id=found_id, found_in_sent=found)
            return Sent(made.message_id, account, str(op.facts["via"]), found_id, found)

    @contextmanager
    def mailbox(self, identity: Identity) -> Iterator[tuple[Mailbox, Operation]]:
        """Open the mailbox of `identity`'s account for one operation ``read mailbox``."""
        with running("read mailbox", Topic.GMAIL, self.settings, identity) as op:
            self.check_option()
            account = self.accounts.account(op, identity, self.settings.options.account)
            yield Mailbox(self.google, account), op

    @contextmanager
    def people(self, identity: Identity) -> Iterator[tuple[People, Operation]]:
        """Open the contacts of `identity`'s account for one operation ``contacts``."""
        with running("contacts", Topic.CONTACTS, self.settings, identity) as op:
            self.check_option()
            account = self.accounts.account(op, identity, self.settings.options.account)
            yield People(self.google, account), op

    @contextmanager
    def calendar(self, identity: Identity) -> Iterator[tuple[Calendar, Operation]]:
        """Open the calendar of `identity`'s account for one operation ``calendar``."""
        with running("calendar", Topic.CALENDAR, self.settings, identity) as op:
            self.check_option()
            account = self.accounts.account(op, identity, self.settings.options.account)
            yield Calendar(self.google, account), op

    def check_option(self) -> None:
        """See that the settings allow Gmail.

        Raises:
            RefusedError: The option is switched off.
        """
        if not self.settings.options.use_gmail:
            raise RefusedError(
                "Gmail is switched off",
                f"« {OPTIONS['use_gmail'].label} » is off"
                f" ({self.settings.origins.get('use_gmail', 'default')})",
                "set use_gmail = true in the settings",
            )

    def close(self) -> None:
        """Close every connection."""
        self.google.close()


def bare(address: str) -> str:
    """Return the address in ``Name <address>``."""
    return parseaddr(address)[1] or address

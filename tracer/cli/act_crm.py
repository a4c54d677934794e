"""`tracer act contacts | raise | compose | calendar`: what the ERP's CRM asks of the layer."""

import argparse
import webbrowser
from datetime import date, datetime, timedelta
from typing import Any, Final

from tracer.cli.act_context import Context, Subparsers, command, say
from tracer.cli.exits import ExitCode
from tracer.protocol.contacts import (
    Contact,
    Found,
    compose_url,
    record_url,
    search_url,
    start_record_command,
)
from tracer.protocol.errors import RefusedError, SettingsError
from tracer.protocol.options import OPTIONS, Protocol

_SOURCES: Final = ("google", "domain", "ldap", "ews", "mapi")


def add_parsers(commands: Subparsers) -> None:
    """Add the commands of this file."""
    contacts = command(commands, "contacts", show_contacts, "list or search the contacts")
    contacts.add_argument("query", nargs="?", default="", help="a part of a name or address")
    _add_source(contacts)
    raising = command(
        commands, "raise", raise_record, "find who writes or calls, and raise the record"
    )
    raising.add_argument("who", help="a mail address or a telephone number")
    _add_source(raising)
    raising.add_argument("--print", action="store_true", help="say what would be opened or run")
    compose = command(commands, "compose", compose_mail, "open Gmail's page for a contact")
    compose.add_argument("email", help="the contact's address")
    compose.add_argument("--search", action="store_true", help="all mail with the contact instead")
    compose.add_argument("--print", action="store_true", help="print the address of the page")
    _add_calendar(commands)


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source", choices=_SOURCES,
        help="where from (default: ldap when ldap.url is set, else that of the protocol)",
    )  # fmt: skip


def _add_calendar(commands: Subparsers) -> None:
    parser = command(commands, "calendar", calendar, "list, enter, change and delete events")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", metavar="TITLE", help="enter an event")
    what.add_argument("--change", metavar="ID", help="change an event")
    what.add_argument("--delete", metavar="ID", help="delete an event")
    parser.add_argument("--title", metavar="TEXT", help="with --change: the new title")
    parser.add_argument("--start", type=_moment, metavar="TIME", help="2026-11-23T14:00 or a day")
    parser.add_argument("--end", type=_moment, metavar="TIME", help="likewise (default: 1 hour)")
    parser.add_argument("--place", metavar="TEXT")
    parser.add_argument("--text", metavar="TEXT")
    parser.add_argument("--guest", action="append", metavar="ADDRESS", help="may be repeated")
    parser.add_argument("--days", type=int, default=7, help="how far the list reaches (default 7)")


def _moment(text: str) -> datetime | date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-11-23T14:00 or 2026-11-23"
        ) from None


def _source(ctx: Context) -> str:
    if ctx.args.source:
        return str(ctx.args.source)
    options = ctx.settings.options
    if options.ldap.url:
        return "ldap"
    if options.protocol is Protocol.SMTP:
        raise SettingsError(
            "SMTP has no contacts", remedy="set ldap.url, or say --source google, ews or mapi"
        )
    return "google" if options.protocol is Protocol.GSUITE else options.protocol.value


def _look(ctx: Context, query: str, *, exact: bool) -> Found:
    """Return the contacts with the address or number `query`, or those that contain it."""
    source = _source(ctx)
    if source in {"google", "domain"}:
        layer = ctx.gsuite()
        try:
            with layer.people(ctx.identity) as (people, op):
                found = (
                    people.find(query)
                    if exact
                    else people.contacts(query, domain=source == "domain")
                )
                op.result(found=len(found.contacts))
                return found
        finally:
            layer.close()
    reader = ctx.contact_reader(source)
    try:
        return reader.find(query) if exact else reader.contacts(query)
    finally:
        reader.close()


def show_contacts(ctx: Context) -> int:
    """List or search."""
    found = _look(ctx, ctx.args.query, exact=False)
    if not found.complete:
        say("the server's size limit cut the list: ask for less")
    data = [_data(contact) for contact in found.contacts]
    ctx.show(data, [_line(contact) for contact in found.contacts] or ["no contact"])
    return ExitCode.OK


def raise_record(ctx: Context) -> int:
    """Montée de fiche."""
    who = ctx.args.who
    found = _look(ctx, who, exact=True).contacts
    if not found:
        ctx.show({"contact": None}, [f"nobody has {who}"])
        return ExitCode.FAILED
    contact = found[0]
    if len(found) > 1:
        say(f"{len(found)} contacts have {who}: the first is taken")
    raising = ctx.settings.options.contact
    url = record_url(contact, raising.url) if raising.url else ""
    ctx.show({"contact": _data(contact), "url": url}, [_line(contact), *filter(None, [url])])
    if not ctx.args.print:
        if raising.command:
            start_record_command(contact, raising)
        elif url:
            webbrowser.open(url)
        else:
            raise SettingsError(
                "nothing raises the record",
                remedy="set contact.url or contact.command in the settings",
            )
    return ExitCode.OK


def compose_mail(ctx: Context) -> int:
    """Gmail's own dialog for the contact button."""
    options = ctx.settings.options
    if not options.contact_dialog and not ctx.args.print:
        raise RefusedError(
            "Gmail's dialog is switched off",
            f"« {OPTIONS['contact_dialog'].label} » is off",
            "set contact_dialog = true in the settings",
        )
    layer = ctx.gsuite()
    try:
        account = layer.account(ctx.identity)
    finally:
        layer.close()
    url = (search_url if ctx.args.search else compose_url)(account, ctx.args.email)
    ctx.show({"account": account, "url": url}, [url])
    if not ctx.args.print and not webbrowser.open(url):
        say("no browser could be opened: open the address above yourself")
        return ExitCode.FAILED
    return ExitCode.OK


def calendar(ctx: Context) -> int:
    """List, enter, change or delete."""
    layer = ctx.gsuite()
    try:
        with layer.calendar(ctx.identity) as (book, op):
            data, lines = _do_calendar(ctx, book)
            op.result(events=len(data))
    finally:
        layer.close()
    ctx.show(data, lines)
    return ExitCode.OK


def _do_calendar(ctx: Context, book: Any) -> tuple[list[dict[str, Any]], list[str]]:
    from tracer.protocol.gsuite.calendar import Appointment

    args = ctx.args
    if args.delete:
        book.delete(args.delete)
        return [], [f"deleted {args.delete}"]
    if args.add:
        if args.start is None:
            raise SettingsError("--add wants --start")
        made = Appointment(
            title=args.add, start=args.start, end=args.end or _default_end(args.start),
            place=args.place or "", text=args.text or "", guests=tuple(args.guest or ()),
        )  # fmt: skip
        event_id = book.create(made)
        return [{"id": event_id}], [f"entered {event_id}"]
    if args.change:
        given = {
            "title": args.title, "start": args.start, "end": args.end, "place": args.place,
            "text": args.text, "guests": tuple(args.guest) if args.guest else None,
        }  # fmt: skip
        fields = {name: value for name, value in given.items() if value is not None}
        if not fields:
            raise SettingsError("--change wants a field: --title, --start, --end, --place …")
        shown = [book.change(args.change, **fields)]
    else:
        now = datetime.now().astimezone()
        since = args.start if isinstance(args.start, datetime) else now
        shown = book.between(since, since + timedelta(days=args.days))
    return [_event_data(one) for one in shown], [_event_line(one) for one in shown] or ["no event"]


def _default_end(start: datetime | date) -> datetime | date:
    return start + timedelta(hours=1) if isinstance(start, datetime) else start


def _event_data(event: Any) -> dict[str, Any]:
    return {
        "id": event.id, "title": event.title, "start": event.start.isoformat(),
        "end": event.end.isoformat(), "place": event.place, "guests": list(event.guests),
    }  # fmt: skip


def _event_line(event: Any) -> str:
    return f"{event.id}  {event.start.isoformat()} … {event.end.isoformat()}  {event.title}"


def _data(contact: Contact) -> dict[str, Any]:
    return {
        **contact.fields(), "emails": list(contact.emails), "phones": list(contact.phones),
        "source": contact.source,
    }  # fmt: skip


def _line(contact: Contact) -> str:
    parts = (contact.name, ", ".join(contact.emails), ", ".join(contact.phones), contact.company)
    return "  ".join(filter(None, parts))

"""`tracer act send | read`: mail out and in."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.cli.act_context import Context, Subparsers, command, say
from tracer.cli.exits import ExitCode
from tracer.operation import Operation
from tracer.protocol.errors import MessageError, RefusedError
from tracer.protocol.mime import Attachment, Mail, Received, decode_text, encode_text, safe_name
from tracer.protocol.steps import Rule

if TYPE_CHECKING:
    from tracer.protocol.gsuite.mailbox import Mailbox, Summary


def add_parsers(commands: Subparsers) -> None:
    """Add the commands of this file."""
    _add_send(commands)
    _add_read(commands)


def _add_send(commands: Subparsers) -> None:
    parser = command(commands, "send", send, "send a mail")
    for name, text in (
        ("to", "recipient; may be repeated"),
        ("cc", "copy; may be repeated"),
        ("bcc", "blind copy; may be repeated"),
        ("reply-to", "where answers go; may be repeated"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], metavar="ADDRESS", help=text)
    parser.add_argument("--from", dest="sender", default="", metavar="ADDRESS",
                        help="send as this verified address of the account")  # fmt: skip
    parser.add_argument("--subject", default="", metavar="TEXT")
    parser.add_argument("--text", default="", metavar="TEXT", help="the text")
    parser.add_argument("--text-file", type=Path, metavar="FILE",
                        help="the text, in the settings' code page; - is stdin")  # fmt: skip
    parser.add_argument("--html-file", type=Path, metavar="FILE", help="the text as HTML, likewise")
    parser.add_argument("--attach", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--message-id", default="", metavar="ID",
                        help="of an earlier try in doubt: Sent is searched first")  # fmt: skip


def send(ctx: Context) -> int:
    """Send one mail."""
    mail = _mail(ctx)
    layer = ctx.messaging()
    try:
        done = layer.send(mail, ctx.identity)
    finally:
        layer.close()
    data = {
        "account": done.account,
        "via": done.via,
        "message_id": done.message_id,
        "id": done.id,
        "found_in_sent": done.found,
    }
    how = "found in Sent, not sent again" if done.found else "sent"
    ctx.show(data, [f"{how} from {done.account}{_found_by(ctx, done.via)}: {done.message_id}"])
    return ExitCode.OK


def _found_by(ctx: Context, via: str) -> str:
    names = ctx.settings.options.attributes
    attribute = {Rule.ENV: names.env, Rule.USER: names.user, Rule.ACCOUNT: names.account}
    return f" (found by {attribute[Rule(via)]})" if via in attribute else ""


def _mail(ctx: Context) -> Mail:
    args = ctx.args
    text = args.text
    if args.text_file:
        text = _text(ctx, args.text_file)
    return Mail(
        to=tuple(args.to),
        subject=args.subject,
        text=text,
        html=_text(ctx, args.html_file) if args.html_file else "",
        cc=tuple(args.cc),
        bcc=tuple(args.bcc),
        reply_to=tuple(args.reply_to),
        sender=args.sender,
        attachments=tuple(Attachment(path.name, _bytes(path)) for path in args.attach),
        message_id=args.message_id,
    )


def _text(ctx: Context, path: Path) -> str:
    raw = sys.stdin.buffer.read() if str(path) == "-" else _bytes(path)
    return decode_text(raw, ctx.settings.options.code_page, str(path))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MessageError(f"cannot read {path}: {error.strerror}") from None


def _add_read(commands: Subparsers) -> None:
    parser = command(commands, "read", read, "read the mailbox: list, search, one message, news")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--query", default="", metavar="TEXT", help="Gmail's search: is:unread from:x"
    )
    what.add_argument("--id", default="", metavar="ID", help="one message, whole")
    what.add_argument("--new", action="store_true", help="what arrived since the last --new")
    parser.add_argument("--max", type=_count, default=20, metavar="N", help="at most so many")
    parser.add_argument("--save", type=Path, metavar="FOLDER",
                        help="with --id: text and attachments as files there")  # fmt: skip
    parser.add_argument("--mark-read", action="store_true", help="mark what is shown as read")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("between 1 and 10000")
    return number


def read(ctx: Context) -> int:
    """Read the mailbox."""
    layer = ctx.gsuite()
    try:
        with layer.mailbox(ctx.identity) as (box, op):
            if ctx.args.id:
                return _read_one(ctx, box)
            found = _list(ctx, box, op)
    finally:
        layer.close()
    data = [{"id": one.id, "headers": one.headers, "labels": list(one.labels)} for one in found]
    ctx.show(data, list(map(_line, found)) or ["no message"])
    return ExitCode.OK


def _read_one(ctx: Context, box: "Mailbox") -> int:
    message = box.read(ctx.args.id, ctx.settings.options.code_page)
    if ctx.args.mark_read:
        box.mark_read([ctx.args.id])
    return _show_message(ctx, message)


def _list(ctx: Context, box: "Mailbox", op: Operation) -> list["Summary"]:
    from tracer.protocol.gsuite.mailbox import load_position, save_position

    if ctx.args.new:
        file = ctx.home / "mailbox.json"
        news = box.news(op, load_position(file, box.account), ctx.args.max)
        save_position(file, box.account, news.position)
        if news.full:
            say("no usable position from an earlier read: the newest are listed")
        found = list(news.summaries)
    else:
        found = box.search(ctx.args.query, ctx.args.max)
    if ctx.args.mark_read and found:
        box.mark_read([one.id for one in found])
    return found


def _line(one: "Summary") -> str:
    mark = "*" if one.unread else " "
    headers = one.headers
    return "  ".join(
        (f"{mark} {one.id}", headers.get("Date", ""), headers.get("From", ""),
         headers.get("Subject", ""))
    )  # fmt: skip


def _show_message(ctx: Context, message: Received) -> int:
    files = _save(ctx, message) if ctx.args.save else []
    data = {
        "headers": message.headers,
        "text": message.text,
        "attachments": [
            {"name": one.name, "type": one.type, "size": len(one.content)}
            for one in message.attachments
        ],
        "files": [str(file) for file in files],
    }
    lines = [f"{name}: {value}" for name, value in message.headers.items()]
    lines += ["", *(message.text or message.html).splitlines(), ""]
    lines += [f"[{one.name}, {one.type}, {len(one.content)} bytes]" for one in message.attachments]
    ctx.show(data, [*lines, *map(str, files)])
    return ExitCode.OK


def _save(ctx: Context, message: Received) -> list[Path]:
    """Write text (in the code page) and attachments into the folder; nothing is overwritten."""
    folder: Path = ctx.args.save
    parts = [("message.txt", encode_text(message.text, ctx.settings.options.code_page))]
    if message.html:
        parts.append(("message.html", message.html.encode("utf-8")))
    parts += [(one.name, one.content) for one in message.attachments]
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [path.name for path in folder.iterdir()]
        for name, content in parts:
            taken.append(safe_name(name, taken))
            with (folder / taken[-1]).open("xb") as file:
                file.write(content)
            files.append(folder / taken[-1])
    except OSError as error:
        raise RefusedError(f"cannot write into {folder}: {error.strerror}") from None
    return files

"""`tracer act check | attributes`: is the link with G Suite right, and who may use what."""

import json
import time
from functools import partial
from typing import TYPE_CHECKING

from tracer.cli.act_account import ACCESS_FILE
from tracer.cli.act_context import Context, Subparsers, command
from tracer.cli.exits import ExitCode
from tracer.protocol.running import running
from tracer.schema.events import Topic, timestamp

if TYPE_CHECKING:
    from tracer.protocol.gsuite.attributes import Attributes, Change

_MARKS = {"pass": "ok  ", "fail": "FAIL", "unknown": "?   "}


def add_parsers(commands: Subparsers) -> None:
    """Add the commands of this file."""
    command(
        commands, "check", check, "is the access to Gmail configured correctly, and if not, why"
    )
    attributes = commands.add_parser(
        "attributes", help="the custom attributes: create, show, grant, revoke"
    )
    inner = attributes.add_subparsers(dest="attributes", required=True, metavar="COMMAND")
    create = command(inner, "create", partial(_change, "create"), "create the attributes")
    create.add_argument(
        "environments", nargs="*", metavar="ENVIRONMENT",
        help="with one field an environment: those to make a field for",
    )  # fmt: skip
    command(inner, "show", show, "who may use which account")
    grant = command(inner, "grant", partial(_change, "grant"), "let an identity use an account")
    revoke = command(inner, "revoke", partial(_change, "revoke"), "take that back")
    for parser in (grant, revoke):
        parser.add_argument("user", metavar="ADDRESS", help="the Google account")
    for parser in (create, grant, revoke):
        parser.add_argument(
            "--apply",
            action="store_true",
            help="do it; without, it is only said what would be done",
        )


def check(ctx: Context) -> int:
    """Print each condition with its reason and remedy."""
    from tracer.protocol.gsuite.check import check as look

    report = look(ctx.settings, **ctx.wiring)
    lines = []
    for one in report.conditions:
        lines.append(f"{_MARKS[one.outcome]} {one.name}{': ' if one.detail else ''}{one.detail}")
        if one.remedy:
            lines.append(f"       do: {one.remedy}")
    if report.delegation_link:
        lines += ["", "delegation (super administrator):", report.delegation_link]
    lines += ["", "ready" if report.ready else "not ready"]
    ctx.show(report.data(), lines)
    _remember(ctx, ready=report.ready)
    return ExitCode.OK if report.ready else ExitCode.FAILED


def _remember(ctx: Context, *, ready: bool) -> None:
    """Keep the outcome for `tracer act settings`; a home that cannot be written loses only that."""
    found = {"value": "ready" if ready else "not ready", "at": timestamp(time.time_ns())}
    try:
        ctx.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (ctx.home / ACCESS_FILE).write_text(json.dumps(found), encoding="utf-8")
    except OSError:
        return


def show(ctx: Context) -> int:
    """Print who may use which account."""
    from tracer.protocol.gsuite.attributes import Attributes, may_use

    layer = ctx.gsuite()
    try:
        with running("attributes", Topic.DIRECTORY, ctx.settings) as op:
            users = Attributes(layer.google, op, apply=False).show()
    finally:
        layer.close()
    data = [
        {
            "account": user.primary,
            "suspended": user.suspended,
            "admits": [{"rule": rule, "value": value} for rule, value in may_use(user)],
        }
        for user in users
    ]
    lines = []
    for user in users:
        lines.append(f"{user.primary}{' (suspended)' if user.suspended else ''}")
        lines += [f"    {rule:<8} {value}" for rule, value in may_use(user)]
    ctx.show(data, lines or ["no account is protected: everybody may use every account"])
    return ExitCode.OK


def _change(what: str, ctx: Context) -> int:
    from tracer.protocol.gsuite.attributes import Attributes

    layer = ctx.gsuite()
    try:
        with running("attributes", Topic.DIRECTORY, ctx.settings, ctx.identity) as op:
            changes = _changes(what, ctx, Attributes(layer.google, op, apply=ctx.args.apply))
            op.result(changes=[{"what": one.what, "applied": one.applied} for one in changes])
    finally:
        layer.close()
    lines = [f"{'done' if one.applied else 'would'}: {one.what}" for one in changes]
    if changes and not ctx.args.apply:
        lines.append("nothing was changed; --apply does it")
    data = [{"what": one.what, "applied": one.applied} for one in changes]
    ctx.show(data, lines or ["nothing to do"])
    return ExitCode.OK


def _changes(what: str, ctx: Context, attributes: "Attributes") -> list["Change"]:
    if what == "create":
        return attributes.create(tuple(ctx.args.environments))
    act = attributes.grant if what == "grant" else attributes.revoke
    return act(ctx.args.user, ctx.identity)

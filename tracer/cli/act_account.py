"""`tracer act resolve | settings`: which account, which settings, and why."""

import json
from typing import Any, Final

from tracer.cli.act_context import Context, Subparsers, command
from tracer.cli.exits import ExitCode
from tracer.protocol.options import INFORMATIVE
from tracer.protocol.steps import Resolution, Step

ACCESS_FILE: Final = "gmail-access.json"
"""In TRACER_HOME: what the last check found."""


def add_parsers(commands: Subparsers) -> None:
    """Add the commands of this file."""
    command(commands, "resolve", resolve, "which Google account an identity uses, and why")
    command(commands, "settings", settings, "every setting, its value, where it came from")


def resolve(ctx: Context) -> int:
    """Print the decision, step by step."""
    from tracer.protocol.gsuite.accounts import refusal  # Google's library takes its time

    layer = ctx.gsuite()
    try:
        found: Resolution = layer.resolve(ctx.identity)
    finally:
        layer.close()
    data = {
        "account": found.account,
        "via": found.via,
        "attribute": found.attribute,
        "verdict": found.verdict,
        "ambiguous": list(found.ambiguous),
        "steps": [{"rule": step.rule, **step.data()} for step in found.steps],
    }
    ctx.show(data, [*map(_line, found.steps), found.account or "no account"])
    if not found.account:
        raise refusal(found, ctx.identity)  # says why, and what to do
    return ExitCode.OK


def _line(step: Step) -> str:
    parts = [f"{step.n:>2}. {step.rule:<10} {step.verdict:<11} {step.code:<20}"]
    parts += [part for part in (step.candidate, step.attribute) if part]
    compared = step.compared
    if compared:
        parts.append(f"wanted {compared.wanted!r}, found {', '.join(compared.found) or 'nothing'}")
        if compared.environment:
            wanted, found = compared.environment
            parts.append(f"(environment {wanted!r}, found {', '.join(found) or 'none'})")
        if compared.folded:
            parts.append("(case or space differ)")
    return " ".join(parts)


def settings(ctx: Context) -> int:
    """Print every setting with its French label and its origin."""
    data: dict[str, dict[str, Any]] = ctx.settings.data()
    file = ctx.settings.file
    where = str(file) if file else "no settings file"
    lines = [f"# {where}"]
    for key, facts in data.items():
        origin = facts["origin"].replace("file:", f"{file.name}:" if file else "file:")
        lines.append(f"{key} = {_toml(facts['value'])}  [{origin}]  {facts['label']}")
    checked = access(ctx)
    shown = {**data, **{key: {**checked, "label": label} for key, label in INFORMATIVE.items()}}
    lines += [
        f"{key}: {checked['value']}  [{checked['origin']}]  {label}"
        for key, label in INFORMATIVE.items()
    ]
    ctx.show(shown, lines)
    return ExitCode.OK


def access(ctx: Context) -> dict[str, str]:
    """Return what the last `tracer act check` found, with its time; « not checked » without one."""
    try:
        found = json.loads((ctx.home / ACCESS_FILE).read_bytes())
        return {"value": str(found["value"]), "origin": f"check {found['at']}"}
    except (OSError, ValueError, KeyError, TypeError):
        return {"value": "not checked", "origin": "run `tracer act check`"}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int) else f'"{"" if value in {None, "None"} else value}"'

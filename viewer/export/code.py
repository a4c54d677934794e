"""An event as something to run: a curl command, a call of Google's Python client. Never a token."""

import keyword
import shlex
from collections.abc import Callable
from typing import IO, Any, Final

from tracer.schema.events import Event, Kind
from viewer.export.facts import Context, redaction_level, shown_rows, texts
from viewer.export.har import body_text
from viewer.model.trace import Rows, Trace
from viewer.model.visible import visible

_OWN: Final = frozenset(
    {"authorization", "content-length", "host", "connection", "accept-encoding", "user-agent",
     "cookie", "transfer-encoding", "proxy-authorization"}
)  # fmt: skip
"""Headers that curl makes itself, or that hold secrets."""
_APIS: Final = {
    "gmail": ("gmail", "v1"),
    "directory": ("admin", "directory_v1"),
    "people": ("people", "v1"),
    "calendar": ("calendar", "v3"),
    "tasks": ("tasks", "v1"),
    "drive": ("drive", "v3"),
}


def curl(event: Event) -> str | None:
    """Return the exchange as a curl command with ``$TOKEN`` for the bearer token.

    None when it was no HTTP. What was redacted stays redacted, and a remark says what is missing.
    """
    url = event.data.get("url")
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        return None
    request = event.data.get("request")
    request = request if isinstance(request, dict) else {}
    headers = texts(request.get("headers"))
    lines = [f"curl --globoff --request {_quoted(str(event.data.get('method') or 'GET'))}"]
    if "authorization" in headers or event.data.get("token"):
        lines.append('--header "Authorization: Bearer $TOKEN"')
    lines += [
        f"--header {_quoted(f'{name}: {value}')}"
        for name, value in headers.items()
        if name.lower() not in _OWN
    ]
    remarks = []
    body = request.get("body")
    if isinstance(body, dict) and body.get("size"):
        text = body_text(body)
        if text:
            lines.append(f"--data-raw {_quoted(text)}")
        if not text or body.get("kept") not in {"full", None}:
            remarks.append(f"# {body['size']} bytes of body were sent; redaction kept less of it")
    lines.append(f"--url {_quoted(url)}")
    if any("⟨redacted" in line for line in lines):
        remarks.append("# put your own values for what reads ⟨redacted …⟩")
    return "\n".join([*(visible(one) for one in remarks), " \\\n  ".join(lines)])


def _quoted(text: str) -> str:
    return shlex.quote(visible(text))


def python_call(event: Event) -> str | None:
    """Return the call as Python for google-api-python-client; None when it is no Google call."""
    api, *path = event.name.split(".")
    if event.kind != Kind.CALL or api not in _APIS or not path or not all(map(_is_name, path)):
        return None
    name, number = _APIS[api]
    params = event.data.get("params")
    params = params if isinstance(params, dict) else {}
    *resources, method = path
    arguments = [
        f"    {key}={_literal(value)}," for key, value in params.items() if _is_name(str(key))
    ]
    chain = "".join(f".{one}()" for one in resources) + f".{method}"
    called = f"{chain}(\n" + "\n".join(arguments) + "\n)" if arguments else f"{chain}()"
    lines = [
        "from googleapiclient.discovery import build",
        "",
        f'service = build("{name}", "{number}", credentials=credentials)',
        f"answer = service{called}.execute()",
    ]
    if "⟨redacted" in called:
        lines.insert(0, "# put your own values for what reads ⟨redacted …⟩")
    return "\n".join(lines)


def _is_name(text: str) -> bool:
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text)


def _literal(value: Any) -> str:
    return visible(repr(value))


def write_curl(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write a shell script of the HTTP exchanges among `rows`; return how many."""
    return _write(context, out, rows, "TOKEN=…", Kind.EXCHANGE, curl)


def write_python(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write the Google calls among `rows` as Python; return how many."""
    return _write(context, out, rows, "credentials = …", Kind.CALL, python_call)


def _write(
    context: Context,
    out: IO[bytes],
    rows: Rows | None,
    wanted: str,
    kind: Kind,
    code: Callable[[Event], str | None],
) -> int:
    trace = context.trace
    out.write(f"# {redaction_level(trace)}\n# {wanted}\n".encode())
    count = 0
    for row in shown_rows(trace, rows):
        text = code(trace.event(row)) if trace.head(row).kind == kind else None
        if text:
            head = trace.head(row)
            out.write(f"\n# {visible(head.ts)} {head.id}\n{text}\n".encode("utf-8", "replace"))
            count += 1
    return count


def write_jsonl(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write the events themselves: a trace of `rows`, start lines included, as recorded."""
    trace = context.trace
    count = 0
    session = {
        one for row in trace.select(kinds={Kind.SESSION}).tolist() for one in _lines(trace, row)
    }
    chosen = session | {one for row in shown_rows(trace, rows) for one in _lines(trace, row)}
    for row in sorted(chosen):
        out.write(b"\n" + trace.raw(row).strip() + b"\n")
        count += 1
    return count


def _lines(trace: Trace, row: int) -> list[int]:
    return list(trace.rows_of(trace.head(row).id)) or [row]

"""HAR 1.2, with the way to the account and the findings in ``_trace``."""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import IO, Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

import orjson

from tracer.schema.events import Event, Phase
from viewer.export.facts import (
    Context,
    encoded,
    error_of,
    redaction_level,
    shown_rows,
    start_us,
    texts,
)
from viewer.model.trace import Rows

_PHASES: Final = (
    ("dns", "dns"), ("connect", "connect"), ("tls", "ssl"), ("send", "send"), ("wait", "wait"),
    ("read", "receive"),
)  # fmt: skip
_IN_URLS: Final = "%/:?#[]@!$&'()*+,;=~"
"""The schema of HAR wants a URI; ours may hold ``⟨redacted …⟩``."""


def write_har(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write the HTTP exchanges among `rows` one by one; return how many there were."""
    trace = context.trace
    begin = {
        "version": "1.2",
        "creator": {"name": "mapi-tracer", "version": version("mapi-tracer")},
        "comment": redaction_level(trace),
        "pages": [],
    }
    out.write(b'{"log":' + orjson.dumps(begin)[:-1] + b',"entries":[')
    count = 0
    for row in shown_rows(trace, rows):
        if trace.head(row).kind != "exchange":
            continue
        entry = entry_of(context, row)
        if entry is not None:
            out.write((b"\n," if count else b"\n") + _bytes(entry))
            count += 1
    out.write(b"]}}\n")
    return count


def _bytes(entry: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(entry)
    except TypeError:  # nested too deeply: only what is ours can be
        return orjson.dumps(entry | {"_trace": {"event": entry["_trace"]["event"]}})


def entry_of(context: Context, row: int) -> dict[str, Any] | None:
    """Return the HAR entry of an exchange; None when it was no HTTP."""
    trace = context.trace
    event = trace.event(row)
    url = event.data.get("url")
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        return None
    began = datetime.fromtimestamp(start_us(trace, row) / 1e6, UTC)
    time, timings = _timings(event)
    entry: dict[str, Any] = {
        "startedDateTime": began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "time": time,
        "request": _request(event, url),
        "response": _response(event),
        "cache": {},
        "timings": timings,
        "_trace": _extension(context, event),
    }
    wire = event.data.get("wire")
    last = wire[-1] if isinstance(wire, list) and wire and isinstance(wire[-1], dict) else {}
    if isinstance(last.get("peer"), str):
        entry["serverIPAddress"] = last["peer"].rpartition(":")[0].strip("[]") or last["peer"]
    if last.get("conn") is not None:
        entry["connection"] = str(last["conn"])
    return entry


def _timings(event: Event) -> tuple[float, dict[str, float]]:
    """Return the whole time and its parts, which add up to it; -1 says unknown."""
    time = max(0.0, float(event.ms or 0))
    wire = event.data.get("wire")
    phases = wire[-1].get("phases") if isinstance(wire, list) and wire else None
    known = phases if isinstance(phases, dict) else {}
    timings: dict[str, float] = {"blocked": -1}
    for name, har in _PHASES:
        value = known.get(name)
        is_number = isinstance(value, int | float) and value >= 0
        timings[har] = float(value) if is_number else -1  # type: ignore[arg-type]
    if timings["ssl"] >= 0 and timings["connect"] >= 0:
        timings["connect"] += timings["ssl"]  # HAR's connect includes it
    for har in ("send", "wait", "receive"):
        timings[har] = max(0.0, timings[har])
    used = sum(value for har, value in timings.items() if har != "ssl" and value > 0)
    if not known:
        timings["wait"] = time
    elif used <= time:
        timings["blocked"] = time - used
    else:
        time = used
    return time, timings


def _request(event: Event, url: str) -> dict[str, Any]:
    request = event.data.get("request")
    request = request if isinstance(request, dict) else {}
    result: dict[str, Any] = {
        "method": str(event.data.get("method") or "GET"),
        "url": quote(url, safe=_IN_URLS),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request.get("headers")),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": _size(request.get("body")),
    }
    body = request.get("body")
    if isinstance(body, dict) and body.get("size"):
        result["postData"] = {"mimeType": str(body.get("type") or ""), "text": body_text(body)}
        if body_text(body) == "":
            result["postData"]["comment"] = _not_kept(body)
    return result


def _response(event: Event) -> dict[str, Any]:
    response = event.data.get("response")
    response = response if isinstance(response, dict) else {}
    body = response.get("body")
    body = body if isinstance(body, dict) else {}
    headers = texts(response.get("headers"))
    status = event.status if event.status is not None else 0
    content: dict[str, Any] = {
        "size": max(0, _size(body)),
        "mimeType": str(body.get("type") or headers.get("content-type") or ""),
    }
    text = body_text(body)
    if text:
        content["text"] = text
    elif body:
        content["comment"] = _not_kept(body)
    result: dict[str, Any] = {
        "status": status,
        "statusText": str(response.get("reason") or ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(response.get("headers")),
        "content": content,
        "redirectURL": headers.get("location", ""),
        "headersSize": -1,
        "bodySize": _size(body),
    }
    if event.status is None:
        result["_error"] = error_of(event) or "no answer"
    return result


def _extension(context: Context, event: Event) -> dict[str, Any]:
    call = context.call_of(event)
    extension: dict[str, Any] = {
        "event": event.id,
        "operation": event.op,
        "topic": event.topic,
        "answered": event.phase != Phase.START,
        "findings": context.rules_of(event),
    }
    if call is not None:
        extension |= {"call": call.id, "method": call.name}
    for key in ("role", "attempt", "subject", "scopes", "token", "redacted", "batch"):
        if key in event.data:
            extension[key] = event.data[key]
    resolution = context.resolution_of(event.op)
    return extension | ({"resolution": resolution} if resolution else {})


def body_text(body: dict[str, Any]) -> str:
    """Return what was kept of a body, as the text that it was; ``""`` when nothing was."""
    if "json" in body:
        return encoded(body["json"])
    if isinstance(body.get("form"), dict):
        return "&".join(f"{name}={_form_value(value)}" for name, value in body["form"].items())
    text = body.get("text")
    return text if isinstance(text, str) else ""


def _form_value(value: object) -> str:
    """Return a value of a form as text; an assertion was decoded, and says so."""
    if isinstance(value, dict):
        return f"⟨decoded {encoded(value)}⟩"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _not_kept(body: dict[str, Any]) -> str:
    return f"not kept ({body.get('kept') or 'structure only'}); digest {body.get('digest') or '–'}"


def _size(body: object) -> int:
    size = body.get("size") if isinstance(body, dict) else None
    return size if isinstance(size, int) and size >= 0 else -1


def _pairs(headers: object) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in texts(headers).items()]

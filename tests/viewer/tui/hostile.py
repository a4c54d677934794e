"""A session as an enemy would write it: every string tries to act on the terminal or on Textual."""

from pathlib import Path
from typing import Any, Final

import orjson

from tests.support.traces import TraceBuilder

STRINGS: Final = {
    "escape": "\x1b[31mred\x1b[2J\x1b]0;title\x07",
    "clipboard": "\x1b]52;c;cHduZWQ=\x1b\\",
    "device control": "\x1bP+q544e\x1b\\",
    "c1": "\x9b31m\x9d52;c;AAAA\x9c\x90q\x9c",
    "c0": "".join(map(chr, range(0x20))) + "\x7f",
    "markup end": "[/]",
    "markup foreign end": "[/foo] [red]x[/bar]",
    "markup click": "[@click=app.quit]quit[/] [link=https://evil.example]x[/link]",
    "bidi": "\u202eexe.fdp\u202c \u2066x\u2069 \u200f\u061c",
    "nul": "a\x00b",
    "wide": "日本語メール 👩‍👩‍👧‍👦 🇫🇷 ﷽ 한국어",
    "combining": "Z" + "\u0301\u0322\u0353" * 200,
    "unseen": "a\u200bb\u2060c\ufeffd\u00ad",
    "tags": "x\U000e0041\U000e007f",
    "braces": "{n} {0} {} %s %(x)s {",
    "newlines": "one\r\ntwo\rthree\u2028four\u2029five",
    "css": "}* { display: none; } TitleBar{",
}


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def _surrogates(line: bytes) -> bytes:
    return line.replace(b"SURROGATE", rb"\ud800\udfff\udc00")


def lines() -> list[bytes]:
    """Return the lines of the session; some are no events at all."""
    trace = TraceBuilder()
    trace.add("session", "start", STRINGS["markup click"], "session", label=STRINGS["clipboard"],
              bodies=STRINGS["escape"], by="[/]",
              versions={STRINGS["c1"]: STRINGS["bidi"]})  # fmt: skip
    for name, text in STRINGS.items():
        _operation(trace, name, text)
    found = [orjson.dumps(_plain(event), option=orjson.OPT_SERIALIZE_DATACLASS)
             for event in trace.events]  # fmt: skip
    found = [_surrogates(line) for line in found]
    head = found[-1].split(b',"data":')[0].replace(b'"end"', b'"point"')
    found.append(head + b',"data":{"deep":' + _nested(10_000).encode() + b"}}")
    found.append(head + b',"data":{"long":"' + b"A[/]\xc3\xa9" * 900_000 + b'"}}')
    found += [b"{", b"\x1b]52;c;AAAA\x07", b"[/]" * 100, b"\xff\xfe\x00", b'{"v":99}']
    found.append(found[0][: len(found[0]) // 2])
    return found


def _plain(event: Any) -> Any:
    return {"v": 1} | {name: getattr(event, name) for name in event.__slots__ if name != "v"}


def _operation(trace: TraceBuilder, name: str, text: str) -> None:
    identity = {"environment": text, "harmony_user": text, "windows_account": text}
    error = {"type": text, "message": text + "SURROGATE", "cause": text, "remedy": text}
    result = {"account": text, "via": text, "error": error}
    with trace.operation(text, "gmail", 1, identity=identity, result=result):
        _, exchange = trace.call(
            f"{name} {text}", "directory", 403, account=text,
            exchange={
                "method": "GET", "url": f"https://x.example/{text}?q={text}", "role": text,
                "token": text, "subject": text, "scopes": [text],
                "wire": [{"n": 1, "peer": text, "phases": {"wait": 3.0, text: 1}}],
                "request": {
                    "headers": {text: text}, "body": {"size": 3, "type": text, "text": text},
                },
                "response": {
                    "status": 403, "reason": text, "headers": {"x": text},
                    "body": {"size": 1, "type": text, "kept": text,
                             "json": {text: [text, {text: text}]}},
                },
                "redacted": [{"path": text, "kind": text}],
            },
        )  # fmt: skip
        trace.step(text, text, text, n=1, attribute=text, candidate=text, source=[exchange, text],
                   args={text: text, "via": text, "asked": text},
                   compared={"wanted": text, "found": [text],
                             "environment": {"wanted": text, "found": [text]}})  # fmt: skip
        trace.step("outcome", "chosen", "chosen", n=2, candidate=text, args={"via": text})
        trace.add("settings", "point", text, "settings",
                  values={text: {"value": text, "origin": text, "label": text}})  # fmt: skip
        trace.add("gap", "point", text, "session", count=text, reason=text)
        trace.add("note", "point", text, text, text=text)


def write(path: Path) -> Path:
    """Write the session to `path` and return it."""
    path.write_bytes(b"".join(b"\n" + line + b"\n" for line in lines())[:-1])
    return path

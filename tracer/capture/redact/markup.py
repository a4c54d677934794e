"""XML, SOAP and HTML: elements stay, what they say goes. No parser, so no entity can explode."""

import re
from typing import TYPE_CHECKING, Final

from tracer.capture.redact.names import PERSONAL, fold, secret_kind
from tracer.capture.redact.notes import Notes

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Redactor

_PIECE: Final = re.compile(r"(<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<[^<>]*(?:>|\Z))", re.S)
_NAME: Final = re.compile(r"</?\s*(?:[\w.-]+:)?([\w.-]+)")
_ATTRIBUTE: Final = re.compile(r"(?<![\w:.-])([\w:.-]++)(\s*=\s*)(\"[^\"<>]*\"|'[^'<>]*')")
_DROPPED: Final = PERSONAL | frozenset(
    {"body", "mimecontent", "preview", "textbody", "userconfigurationproperties", "givenname",
     "companyname", "department", "jobtitle", "street", "city", "entry", "postalcode"}
)  # fmt: skip
_SHORT: Final = 200
_LONG_VALUE: Final = 40
_SCRIPT: Final = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)
_TITLE: Final = re.compile(r"<title[^<>]*>(.{0,300}?)(?:</title>|\Z)", re.S | re.I)
_TAG: Final = re.compile(r"<[^<>]*(?:>|\Z)")
_SPACE: Final = re.compile(r"\s+")
_HTML_TEXT: Final = 500


def xml(redactor: "Redactor", text: str, notes: Notes, path: str) -> str:
    """Return the document with the text of personal and secret elements replaced."""
    result = []
    element = ""
    for piece in _PIECE.split(text):
        if not piece or piece.startswith("<!--"):
            continue
        if piece.startswith("<") and not piece.startswith("<![CDATA["):
            match = _NAME.match(piece)
            element = fold(match[1]) if match and not piece.startswith("</") else ""
            result.append(_attributes(redactor, piece, notes, path))
        else:
            result.append(_element_text(redactor, element, piece, notes, path))
    return "".join(result)


def _attributes(redactor: "Redactor", tag: str, notes: Notes, path: str) -> str:
    def value(match: re.Match[str]) -> str:
        name, plain = match[1].rpartition(":")[2], match[3][1:-1]
        kind = secret_kind(fold(name))
        if kind is None and fold(name) in _DROPPED:
            kind = "personal"
        if kind is None and len(plain) > _LONG_VALUE and " " not in plain and ":" not in plain:
            kind = "opaque"
        if kind is None:
            return match[1] + match[2] + '"' + redactor.text(plain, notes, path) + '"'
        notes.append({"path": f"{path}.{name}", "kind": kind})
        return f'{match[1]}{match[2]}"{redactor.scrubber.mark(kind, plain)}"'

    return redactor.text(_ATTRIBUTE.sub(value, tag), notes, path)


def _element_text(redactor: "Redactor", element: str, text: str, notes: Notes, path: str) -> str:
    if not text.strip():
        return text
    kind = secret_kind(element)
    full = redactor.level == "full"
    if kind is None and not full and (element in _DROPPED or len(text) > _SHORT):
        kind = f"text-{len(text)}"
    if kind is None:
        return redactor.text(text, notes, path)
    notes.append({"path": f"{path}.{element[:60]}", "kind": kind.partition("-")[0]})
    return redactor.scrubber.mark(kind, text)


def html(redactor: "Redactor", text: str, notes: Notes, path: str) -> str:
    """Return the title and the first words of a page: an error page says what went wrong there."""
    title = _TITLE.search(text)
    words = _TAG.sub(" ", _SCRIPT.sub(" ", _TITLE.sub(" ", text, count=1)))
    words = _SPACE.sub(" ", f"{title[1].strip() + ' — ' if title else ''}{words}").strip()
    kept = redactor.text(words, notes, path)
    return kept if redactor.level == "full" else kept[:_HTML_TEXT]

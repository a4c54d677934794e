"""Make hostile text harmless: everything shown, printed or exported as text passes here.

A trace holds what strangers sent. A raw escape sequence reaches the terminal through every widget
(measured with Textual 8.2.8), so control characters become visible signs instead.
"""

import re
from typing import Final

_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, unseen
    "\ud800-\udfff"  # lone surrogates
    "\U000e0000-\U000e007f]"  # tags
)


def visible(text: str, *, lines: bool = False, ascii_only: bool = False) -> str:
    r"""Return `text` with every character that could act on a terminal replaced by a sign for it.

    C0 becomes its Unicode picture (ESC: ``␛``), the rest ``\x9b``, ``\u202e``. With `lines`, line
    feeds and tabs stay (tabs as four spaces). With `ascii_only`, all beyond ASCII is escaped.
    """
    if lines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
        return "\n".join(visible(line, ascii_only=ascii_only) for line in text.split("\n"))
    if not text.isprintable():  # nothing hidden is printable, and this is three times as fast
        text = _HIDDEN.sub(_escape if ascii_only else _picture, text)
    return text.encode("ascii", "backslashreplace").decode() if ascii_only else text


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else _escape(match)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

"""Secrets known by their shape, in any text, and in the encodings a text can carry them in.

Every pattern is linear: a run is entered at its first character only, so hostile text costs no more
than long text.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote

_CLEAN_LIMIT: Final = 4096
_CLEAN_LENGTH: Final = 512

_KEY_WORDS: Final = (
    r"pass(?:word|wd|phrase|code)|pwd|mot[ _-]de[ _-]passe|secret|client[_-]?secret|"
    r"(?:access|refresh|id|auth|bearer|session|csrf|xsrf)[_-]?token|token|api[_-]?key|"
    r"private[_-]?key(?:[_-]id)?|assertion|authorization|sessionid|cookie|signature|sig|"
    r"code[_-]?verifier|credentials?"
)

_ERROR_CODES: Final = (
    r"(?:unauthorized_client|access_denied|invalid_(?:grant|client|request|scope|token|rapt)|"
    r"unsupported_grant_type|(?:disabled|deleted|restricted)_client|admin_policy_enforced|"
    r"org_internal|internal_failure|server_error|temporarily_unavailable)\b(?![-_.])"
)
"""What a token endpoint answers instead of a token (RFC 6749 §5.2, and Google's own)."""

_SHAPES: Final = re.compile(
    r"(?P<key>-----BEGIN[^-]{1,100}-----.*?(?:-----END[^-]{1,100}-----|\Z))"
    r"|(?P<jwt>(?<![A-Za-z0-9_-])e[yw][A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,4})"
    r"|(?P<token>ya29\.[\w.-]{4,}|(?<!\w)1//[\w-]{10,}|(?<!\w)4/[0-9][\w-]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abeoprs]-[\w-]{10,})"
    r"|(?P<secret>GOCSPX-[\w-]{4,})"
    r"|(?P<api_key>AIza[\w-]{20,}|\bA[KS]IA[0-9A-Z]{16}\b)",
    re.DOTALL,
)
_BEARER: Final = re.compile(
    r"(?P<scheme>\b(?:bearer|oauth|negotiate|ntlm|basic)\s+)"
    r"(?P<value>(?=[^\s\"',;]{20}|[^\s\"',;0-9]{0,19}[0-9])[A-Za-z0-9._~+/-]{8,}={0,2})(?![\w=]*\")",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(
    r"(?<=://)(?P<user>[^\s/?#@:\"'<>]{0,256}):(?P<value>[^\s/?#\"'<>]+)(?=@)"
)
_KEY_VALUE: Final = re.compile(
    r"(?P<before>(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,30}[_.-]){0,4}[A-Za-z0-9]{0,30}?(?:"
    + _KEY_WORDS
    + r")"
    r"[\"'\]]{0,2}\s{0,4}(?::|=>?)\s{0,4}[\"']?)"
    r"(?P<value>(?!⟨|\*{3}|" + _ERROR_CODES + r")[^\s\"'&;,<>{}\[\]()]+)",
    re.IGNORECASE,
)
_LONG_RUN: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{200,}+={0,2}")
_ESCAPE: Final = re.compile(
    r"%[0-9A-Fa-f]{2}|=[0-9A-F]{2}|=\r?\n|\\[/u\"nrt]|\\x[0-9a-fA-F]{2}|&#?\w{1,8};"
)
_RUN: Final = re.compile(r"(?:[^\s\"'<>(),]|=\r?\n|\\\")+")
_BASE64_RUN: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_ECHO: Final = re.compile(r"(?<=coding failed for )(?P<value>(?!⟨).+)", re.DOTALL)
"""Google repeats what was sent when it is not base64."""
_SASL: Final = re.compile(r"^[^\0]{0,256}\0[^\0]{1,256}\0[^\0]+\Z")
_QUOTED_PRINTABLE: Final = re.compile(r"=([0-9A-F]{2})|=\r?\n")
_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([/\"\\]))")
_SHAPE_MARKS: Final = (
    "ya29", "1//", "4/0", "4/1", "GOCSPX", "AIza", "-BEGIN", "eyJ", "eyA", "ewo", "gho_", "ghp_",
    "ghr_", "ghs_", "ghu_", "xox", "AKIA", "ASIA", "%", "\\u", "\\x", "\\/", "&#", "\0", "=?",
    "ing failed for ",
)  # fmt: skip
_WORDS: Final = (
    "pass", "pwd", "secret", "token", "apikey", "api_key", "api-key", "private", "assertion",
    "authorization", "session", "cookie", "signature", "sig", "verifier", "credential",
)  # fmt: skip
_SCHEMES: Final = ("bearer", "basic", "ntlm", "negotiate", "oauth")
_QUOTED: Final = re.compile(r"=(?:[0-9A-F]{2}|\r?\n)")


def _in_base64(mark: str) -> list[str]:
    """Return what of `mark` shows in base64, at each of the three places it can start at."""
    found = []
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * before + mark.encode())
        whole = (before + len(mark)) * 8 // 6
        found.append(encoded.decode()[cut:whole].replace("+", "-").replace("/", "_"))
    return found


_BASE64_MARKS: Final = tuple(
    shown
    for mark in (
        "ya29.",
        "1//0",
        "GOCSPX",
        "AIza",
        "-----BEGIN",
        "eyJ",
        "assw",
        "ecret",
        "earer ",
        "ghp_",
        "xox",
    )
    for shown in _in_base64(mark)
)
_MARKS: Final = _SHAPE_MARKS + _BASE64_MARKS


class Scrubber:
    """Takes secrets out of text; remembers texts that had none."""

    def __init__(self, tag: Callable[[str], str]) -> None:
        self._tag = tag
        self.clean: set[str] = set()
        """Texts that are known to hold no secret; short ones, and not for ever."""

    def scrub(self, text: str, kinds: list[str]) -> str:
        """Return `text` without secrets; the kind of each one found is appended to `kinds`."""
        if self.is_clean(text):
            return text
        result = self._scrub(text, kinds)
        if result == text:
            self._remember(text)
        return result

    def is_clean(self, text: str) -> bool:
        """Tell whether `text` is known, or seen at once, to hold no secret."""
        if text in self.clean:
            return True
        if self.maybe(text):
            return False
        self._remember(text)
        return True

    def are_clean(self, texts: Iterable[str]) -> bool:
        """Tell of many texts, at one look at what is new in them, that none holds a secret."""
        new = set(texts).difference(self.clean)
        if not new:
            return True
        if self.maybe("\n".join(new)):
            return False
        for text in new:
            self._remember(text)
        return True

    def _remember(self, text: str) -> None:
        if len(text) <= _CLEAN_LENGTH:
            if len(self.clean) >= _CLEAN_LIMIT:
                self.clean.clear()
            self.clean.add(text)

    def maybe(self, text: str) -> bool:
        """Tell, at once and erring towards yes, whether `text` may hold a secret of a known shape.

        What is hidden by two encodings at a time is only found by `scrub` in texts that say yes.
        """
        if len(text) >= 200 and _LONG_RUN.search(text):
            return True
        if any(map(text.__contains__, _MARKS)):
            return True
        folded = text.lower()
        if any(map(folded.__contains__, _SCHEMES)):
            return True
        if "=" not in text and ":" not in text:
            return False
        if any(map(folded.__contains__, _WORDS)):
            return True
        return ("@" in text and "://" in text) or _QUOTED.search(text) is not None

    def mark(self, kind: str, secret: str) -> str:
        """Return what stands for `secret`."""
        return f"⟨redacted {kind} #{self._tag(secret)}⟩"

    def _scrub(self, text: str, kinds: list[str]) -> str:
        def shape(match: re.Match[str]) -> str:
            kind = (match.lastgroup or "secret").replace("_", "-")
            if kind == "jwt" and not _is_jwt(match[0]):
                return match[0]
            kinds.append(kind)
            return self.mark(kind, match[0])

        def value(kind: str) -> Callable[[re.Match[str]], str]:
            def replace(match: re.Match[str]) -> str:
                kinds.append(kind)
                start = match.start("value") - match.start()
                rest = match[0][start + len(match["value"]) :]
                return match[0][:start] + self.mark(kind, match["value"]) + rest

            return replace

        def blob(match: re.Match[str]) -> str:
            kinds.append("blob")
            return self.mark("blob", match[0])

        def run(match: re.Match[str]) -> str:
            found = hidden_secret(match[0])
            if found is None:
                return match[0]
            kinds.append(found)
            return self.mark(found, match[0])

        text = _ECHO.sub(value("echo"), text)
        text = _SHAPES.sub(shape, text)
        text = _BEARER.sub(value("token"), text)
        if "@" in text:
            text = _USERINFO.sub(value("password"), text)
        text = _KEY_VALUE.sub(value("secret"), text)
        text = _LONG_RUN.sub(blob, text)
        if _ESCAPE.search(text):
            text = _RUN.sub(run, text)
        return _BASE64_RUN.sub(run, text)


def hidden_secret(run: str, depth: int = 3) -> str | None:
    """Return the kind of secret that `run` holds once percent, JSON, … encodings are undone."""
    for plain in _decodings(run):
        match = _SHAPES.search(plain)
        if match and (match.lastgroup != "jwt" or _is_jwt(match[0])):
            return (match.lastgroup or "secret").replace("_", "-")
        if _BEARER.search(plain) or _KEY_VALUE.search(plain) or _USERINFO.search(plain):
            return "secret"
        if _SASL.match(plain):
            return "password"
        if depth and (found := hidden_secret(plain, depth - 1)):
            return found
    return None


def _decodings(run: str) -> list[str]:
    found: list[str] = []
    if "⟨redacted" in run:
        return found
    if "%" in run:
        found.append(unquote(run, errors="replace"))
    if "=" in run:
        found.append(_QUOTED_PRINTABLE.sub(lambda m: chr(int(m[1], 16)) if m[1] else "", run))
    if "\\" in run:
        found.append(_JSON_ESCAPE.sub(_unescape, run))
    if "&" in run:
        found.append(html.unescape(run))
    for match in _BASE64_RUN.finditer(run):
        pieces = {match[0], *match[0].split("/")}
        found += [plain for piece in pieces if (plain := decode_base64(piece)) is not None]
    return [plain for plain in found if plain != run]


def _unescape(match: re.Match[str]) -> str:
    if match[3]:
        return match[3]
    return chr(int(match[1] or match[2], 16))


def decode_base64(run: str) -> str | None:
    """Return what a base64 or base64url `run` holds, as Latin-1, or None if it is none."""
    run = run.rstrip("=")
    if len(run) < 12 or len(run) % 4 == 1:
        return None
    try:
        raw = base64.b64decode(
            run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return None
    return raw.decode("latin-1")


def _is_jwt(text: str) -> bool:
    """Tell whether the first part of `text` decodes to the beginning of a JSON object."""
    first = text.split(".", 1)[0]
    plain = decode_base64(first[: len(first) - (len(first) % 4 == 1)])
    return plain is not None and plain.lstrip().startswith("{")

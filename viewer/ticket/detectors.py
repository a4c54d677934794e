"""What a secret or an identity looks like, for the check of a finished archive.

Written apart from the redaction and from the pseudonyms on purpose: a mistake there must not be
repeated here. The detectors of detect-secrets are run as well.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

_TAGGED: Final = "⟨".encode()
_BLOCK: Final = "long encoded block"
_SECRET_NAMES: Final = frozenset(
    b"password passwd pwd passphrase clientsecret refreshtoken accesstoken idtoken privatekey"
    b" assertion secret apikey authorization proxyauthorization cookie setcookie xgoogapikey"
    b" xgoogiamauthorizationtoken bearer credential motdepasse token sessionid".split()
)
"""Without dashes and underscores."""

PATTERNS: Final[dict[str, re.Pattern[bytes]]] = {
    "Google access token": re.compile(rb"ya29\.[\w-]{8,}"),
    "Google refresh token": re.compile(rb"(?<![\w/:])1(?://|%2[fF]%2[fF]|\\/\\/)0[\w-]{16,}"),
    "Google authorization code": re.compile(rb"(?<![\w/])4(?:/|%2[fF])0[\w-]{16,}"),
    "Google client secret": re.compile(rb"GOCSPX-[\w-]{8,}"),
    "Google API key": re.compile(rb"AIza[\w-]{20,}"),
    "private key": re.compile(rb"BEGIN [A-Z ]*PRIVATE KEY|MII[CEBJ][A-Za-z0-9+/]{60,}"),
    "signed JWT": re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
    "bearer token": re.compile(rb"[Bb]earer(?:[ \t]|%20|\+|\\t)+[\w.~+/-]{12,}"),
    "basic credentials": re.compile(rb"[Bb]asic(?:[ \t]|%20)+[A-Za-z0-9+/]{12,}={0,2}(?![\w.])"),
    "named secret in a header": re.compile(
        rb"(?i)(?:^|\n|\\n|\\r\\n)(?:proxy-authorization|authorization|cookie|set-cookie"
        rb"|x-goog-api-key):\s*(?![^\n\\\"]{0,40}\xe2\x9f\xa8)[^\s\"\\]{4}"
    ),
    "secret in a URL": re.compile(
        rb"(?i)(?:[?&]|\\u0026|&amp;)(?:access_token|refresh_token|id_token|client_secret|key|code"
        rb"|password|passwd|assertion|upload_id|sig|signature|token)="
        rb"(?!\xe2\x9f\xa8|%e2%9f%a8)[^&\s\"#\\<]{6,}"
    ),
    _BLOCK: re.compile(rb"[A-Za-z0-9+/_-]{200,}"),
    "IP address": re.compile(
        rb"(?<![\w.])(?<![A-Za-z]/)(?!127\.|0\.0\.0\.0|255\.255)"
        rb"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\w)"
    ),
    "phone number": re.compile(rb"(?<![\w+.=-])\+[1-9]\d{8,14}(?![\w.])"),
    "Google account id": re.compile(rb"(?<![\w.#-])1\d{20}(?![\w.])"),
    "Windows security id": re.compile(rb"S-1-5-21-\d{5}"),
    "user folder": re.compile(
        rb"(?i)(?:[a-z]:\\{1,4}users\\{1,4}|/home/|/users/)(?!person-|public|default|me\b|all\b|\{)"
        rb"(?=[a-z][\w.-]*[a-z][\w.-]*(?:[/\\]))[\w.-]+"
    ),
}
"""By kind. Each begins with something rare, so that a gigabyte is searched in seconds."""

_TAG: Final = re.compile(rb"[0-9a-f]{10}")
"""What stands for a token in ``data.token`` of the format."""
_VENDORS: Final = frozenset(
    {
        "Artifactory Credentials", "Cloudant Credentials", "IBM Cloud IAM Key",
        "IBM COS HMAC Credentials", "SoftLayer Credentials",
    }
)  # fmt: skip
_VENDOR_WORDS: Final = (b"artifactory", b"cloudant", b"ibm", b"softlayer")

_ADDRESS: Final = re.compile(rb"(?:@|%40|=40|\\u0040|&#64;)(\[?[A-Za-z0-9][\w.-]*)")
_LOCAL: Final = re.compile(rb"[\w.+~%'-]{1,120}\Z")
_PSEUDONYM: Final = re.compile(
    rb"(?i)(?:.*(?:%3d|%22|%27|%3c|%20|%2c|%3a|%28|u00[0-9a-f]{2}|[.'+-]))?"
    rb"(?:(?:person|service)-\d+(?:x\d+)?(?:\+(?:tag-\d+)?)?|message-[0-9a-f]{12}"
    rb"|mailer-daemon|no-?reply|postmaster)"
)
_PUBLIC: Final = (
    rb"google\.com|googleapis\.com|googleusercontent\.com|gstatic\.com|gmail\.com|googlemail\.com"
    rb"|gserviceaccount\.com|goog|google\.internal|youtube\.com|outlook\.com|office365\.com"
    rb"|office\.com|microsoft\.com|microsoftonline\.com|hotmail\.com|live\.com|windows\.net"
    rb"|yahoo\.com|orange\.fr|wanadoo\.fr|free\.fr|sfr\.fr|laposte\.net|icloud\.com|python\.org"
    rb"|pypi\.org|ietf\.org|w3\.org|xmlsoap\.org|openxmlformats\.org|json-schema\.org|iana\.org"
    rb"|rfc-editor\.org|github\.com|localhost|localdomain|letsencrypt\.org|127(?:\.\d+){3}"
)
"""Hosts that say nothing about the customer."""
_SAFE_HOST: Final = re.compile(
    rb"(?i)(?:host-\d+(?:x\d+)?\.)?domain-\d+(?:x\d+)?|host-\d+(?:x\d+)?|ip-\d+|project-\d+\.iam\.gserviceaccount\.com"
    rb"|\[?ip-\d+\]?|(?:[\w-]+\.)*(?:" + _PUBLIC + rb")"
)
_URL_HOST: Final = re.compile(
    rb"://(?:[\w.%-]*:?(?:\xe2\x9f\xa8[^@\s]{0,80}(?: [^@\s]{0,80}){0,2})?@)?"
    rb"(\[?[A-Za-z0-9][\w.-]*)"
)
_WORD: Final = re.compile(rb"[^\s\"'\\,;{}()<>\[\]|]{12,}")
_SKIPPED: Final = frozenset(
    {"Public IP (ipv4)", "Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword"}
)
"""Told by shape better here, or (entropy) true of every digest and id that a trace is made of."""


def find(text: bytes, *, addresses: bool = True) -> Iterator[tuple[int, str]]:
    """Yield (offset, kind) of everything in `text` that must not be in a ticket."""
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            if kind != _BLOCK or len(set(match[0])) > 20:  # a line of dashes is no secret
                yield match.start(), kind
    if addresses:
        for match in _ADDRESS.finditer(text):
            if _is_address(text, match):
                yield match.start(), "address"
        for match in _URL_HOST.finditer(text):
            if _SAFE_HOST.fullmatch(match[1].rstrip(b".")) is None and b"." in match[1]:
                yield match.start(), "host"


def _is_address(text: bytes, match: re.Match[bytes]) -> bool:
    """Tell a real address from a pseudonym, a JSON-LD name (``@type``), a version (``x@1.2``)."""
    host = match[1].rstrip(b".-_")
    if match[0].startswith(b"=") and b"." not in host:  # width=40px, not quoted-printable
        return False
    local = _LOCAL.search(text, max(0, match.start() - 120), match.start())
    if local is None or not (local[0].strip(b".+~%'-_") and any(map(_is_letter, host))):
        return False
    if _PSEUDONYM.fullmatch(local[0]) is None:
        return True
    return _SAFE_HOST.fullmatch(host) is None


def _is_letter(byte: int) -> bool:
    return chr(byte).isalpha()


def find_named(pieces: list[bytes]) -> Iterator[tuple[bytes, str]]:
    """Yield (name and value, kind) of secrets told by their name.

    Seen: ``"password":"…"`` and, as HAR writes a header, ``"name":"Cookie","value":"…"``. `pieces`
    is a text cut at its quotation marks, in order.
    """
    names = {piece for piece in set(pieces) if len(piece) < 40 and _is_secret_name(piece)}
    for at, piece in enumerate(pieces[:-2] if names else ()):
        if piece not in names:
            continue
        place = _value_place(pieces, at)
        value = pieces[place].rstrip(b"\\") if place else b""
        if _TAG.fullmatch(value):
            continue
        if len(value) >= 8 and _TAGGED not in value and b"\\u27e8" not in value:
            yield b'"'.join(pieces[at : place + 1]), "named secret"


def _value_place(pieces: list[bytes], at: int) -> int:
    """Return where the value of the name at `at` stands in `pieces`; 0 when it has none."""
    if pieces[at + 1].strip(b" \\") == b":":
        return at + 2
    around = b"".join(b"".join(pieces[at - 2 : at] + pieces[at + 1 : at + 4]).split())
    return at + 4 if around == b"name:,value:" and at + 4 < len(pieces) else 0


def _is_secret_name(piece: bytes) -> bool:
    name = piece.rstrip(b"\\").lower()
    return name.replace(b"_", b"").replace(b"-", b"") in _SECRET_NAMES


def find_vendor(text: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield (match, kind) for the detectors that look across quotation marks."""
    low = text.lower()
    if not any(vendor in low for vendor in _VENDOR_WORDS):
        return
    latin = text.decode("latin-1")
    for kind, pattern in _detect_secrets():
        if kind in _VENDORS:
            for found in pattern.finditer(latin):
                yield found[0].encode("latin-1"), kind


def find_words(text: bytes, *, addresses: bool = True) -> Iterator[tuple[bytes, str]]:
    """Yield (word, kind) for each word of `text` that is a secret, or decodes to one.

    "Is" by the detectors of detect-secrets; encodings seen are percent, base64, hexadecimal.
    """
    latin = text.decode("latin-1")
    for kind, pattern in _detect_secrets():
        for match in pattern.finditer(latin):
            if kind not in _VENDORS and not _only_pseudonyms(match[0]):
                yield match[0].strip().encode("latin-1"), kind
    for word in set(_WORD.findall(text)):
        if _COUNTED.fullmatch(word):
            continue
        for decoded in decodings(word):
            for _, kind in find(decoded, addresses=addresses):
                yield word, f"{kind}, encoded"


def _only_pseudonyms(text: str) -> bool:
    return (
        re.fullmatch(r"(?i)\w*://(?:person-\d+)?:?(?:⟨[^⟩]*⟩|â.*|x+|\*+|%\w*)?@.*", text)
        is not None
    )


def decodings(word: bytes) -> Iterator[bytes]:
    """Yield what `word` says when it is percent-encoded, base64 (any alignment) or hexadecimal."""
    if b"%" in word:
        decoded = unquote_to_bytes(word)
        if decoded != word:
            yield decoded
    for run in _RUN64.findall(word):
        plain = run.translate(_STANDARD)
        for shift in range(4):
            start = plain[shift : shift + 16]  # look before you decode
            if len(start) < 8 or not _is_text(_decoded64(start)):
                continue
            decoded = _decoded64(plain[shift:])
            if _is_text(decoded):
                yield decoded.replace(b"\0", b"")
    for run in _HEX.findall(word):
        decoded = binascii.unhexlify(run)
        if not decoded.translate(None, _PRINTABLE):
            yield decoded


def _decoded64(body: bytes) -> bytes:
    return binascii.a2b_base64(body[: len(body) - len(body) % 4])


def _is_text(raw: bytes) -> bool:
    return len(raw.translate(None, _PRINTABLE)) * 6 <= len(raw) or raw.count(0) * 3 >= len(raw)


_RUN64: Final = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_PRINTABLE: Final = bytes(range(0x20, 0x7F)) + b"\r\n\t"
_HEX: Final = re.compile(rb"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){9,}(?![0-9A-Fa-f])")
"""Longer than an id of the format: of a million of these some decode to what looks like text."""
_COUNTED: Final = re.compile(rb"[0-9a-f]{16}|\W?\d+\W?|\d{4}-\d\d-\d\dT[\d:.]+Z")
"""An id, a number, a timestamp: nothing is encoded in it, and most words are one of these."""


def _denylist(detector: Any) -> Iterable[re.Pattern[str]]:
    patterns: Iterable[re.Pattern[str]] = detector().denylist
    return patterns


@cache
def _detect_secrets() -> list[tuple[str, re.Pattern[str]]]:
    """Return the patterns of every detector of detect-secrets that goes by shape."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    known: dict[str, Any] = get_mapping_from_secret_type_to_class()
    return [
        (kind, pattern)
        for kind, detector in known.items()
        if kind not in _SKIPPED and issubclass(detector, RegexBasedDetector)
        for pattern in _denylist(detector)
    ]

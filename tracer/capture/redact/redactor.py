"""What of a request, a response or a fact may reach the disk."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from msgspec import Raw

from tracer.capture.redact import bodies as _bodies
from tracer.capture.redact.allowed import fitting
from tracer.capture.redact.bodies import Source
from tracer.capture.redact.headers import scrub_headers
from tracer.capture.redact.methods import DECODERS, Decode
from tracer.capture.redact.notes import Notes
from tracer.capture.redact.patterns import Scrubber
from tracer.capture.redact.urls import scrub_url
from tracer.capture.redact.walk import Walker

__all__ = ["LEVELS", "Notes", "Redactor"]

_REMEMBERED: Final = 4096
_SMALL: Final = 2048

LEVELS: Final = ("none", "headers", "structure", "full")


class Redactor:
    """Pure, safe to share between threads, and never raises for odd input.

    `key` is the session's: the same secret has the same tag within a session, and no other.
    `bodies` is how much is kept: ``none`` (no headers either), ``headers``, ``structure``, ``full``
    (mail text too). No level keeps a credential.
    """

    def __init__(self, key: bytes, bodies: str = "structure") -> None:
        if bodies not in LEVELS:
            raise ValueError(f"bodies must be one of {', '.join(LEVELS)}, not {bodies!r}")
        self.level = bodies
        self._hash = blake2b(digest_size=5, key=key[:64])  # a copy of it is half the price of one
        self.scrubber = Scrubber(self.tag)
        self.walker = Walker(self.scrubber, self.tag, full=bodies == "full")
        self.schemas: dict[bytes, Raw] = {}
        """Custom fields of users, as Google wrote them, to what is kept; none holds a secret."""
        self.mail_lines: dict[str, tuple[str, str]] = {}
        """Lines in the head of a mail to the name and the value that are kept; without a secret."""

    def tag(self, secret: str | bytes) -> str:
        """Return 10 hex digits that stand for `secret` within the session."""
        running = self._hash.copy()
        running.update(
            secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
        )
        return running.hexdigest()

    def remember_schemas(self, kept: Mapping[bytes, Raw]) -> None:
        """Add to `schemas`; as long as they are small, and not for ever."""
        if len(self.schemas) + len(kept) > _REMEMBERED:
            self.schemas.clear()
        self.schemas.update((raw, one) for raw, one in kept.items() if len(raw) <= _SMALL)

    def remember_line(self, line: str, name: str, value: str) -> None:
        """Add to `mail_lines`; as long as they are small, and not for ever."""
        if len(line) <= _SMALL:
            if len(self.mail_lines) >= _REMEMBERED:
                self.mail_lines.clear()
            self.mail_lines[line] = name, value

    def text(self, message: str, notes: Notes, path: str) -> str:
        """Return `message`, of an error say, without secrets."""
        kinds: list[str] = []
        result = self.scrubber.scrub(message, kinds)
        notes += [{"path": path, "kind": kind} for kind in kinds]
        return result

    def url(self, url: str, notes: Notes, path: str) -> str:
        """Return `url` without credentials, tokens and opaque ids; the rest stays as it was."""
        return scrub_url(self.scrubber, url, notes, path)

    def headers(
        self,
        headers: Iterable[tuple[str, str]] | Mapping[str, str],
        notes: Notes,
        path: str,
    ) -> dict[str, str]:
        """Return the headers under lower-case names; repeated ones are joined by ``, ``."""
        if self.level == "none":
            return {}
        return scrub_headers(self.scrubber, headers, notes, path)

    def body(
        self,
        content: bytes | str | None,
        content_type: str,
        notes: Notes,
        path: str,
        *,
        method_id: str | None,
        direction: str,
        url: str = "",
        encoding: str = "",
        size: int | None = None,
        stream: bool = False,
    ) -> dict[str, Any]:
        """Return the BODY of FORMAT.md for `content`.

        `direction` is ``request`` or ``response``. `encoding` is the Content-Encoding still on
        `content`. A `stream` is not read: `size` is all that is known of it.
        """
        decode = DECODERS.get((direction, method_id))
        if (
            decode is not None
            and content
            and not encoding
            and self.level == "structure"
            and content_type.startswith("application/json")
        ):
            found = self._listed(decode, content, content_type, notes, path, direction)
            if found is not None:
                return found
        return _bodies.body(
            self,
            Source(content, content_type, method_id, direction, url, encoding, size, stream),
            notes,
            path,
        )

    def _listed(
        self,
        decode: Decode,
        content: bytes | str,
        content_type: str,
        notes: Notes,
        path: str,
        direction: str,
    ) -> dict[str, Any] | None:
        """Return the BODY of JSON that `decode` is the list of, at half the cost of `bodies.body`.

        None when the list does not fit.
        """
        raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        before = len(notes)
        try:
            kept = fitting(self, decode, direction, raw, notes, path)
        except (ValueError, RecursionError, LookupError):
            kept = None
        if kept is None:
            del notes[before:]
            return None
        result = {"size": len(raw), "type": content_type[:200]}
        if direction == "request":
            result["digest"] = _bodies.digest(self, raw)
        result.update(kept)
        return result

    def data(self, data: Mapping[str, Any], notes: Notes, path: str = "") -> dict[str, Any]:
        """Return the facts of an event without secrets; names, numbers and shape stay."""
        return self.walker.facts(data, notes, path)

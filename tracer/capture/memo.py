"""What the redaction said before of headers and URLs: a client sends the same ones all day."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from tracer.capture import discovery
from tracer.capture.redact.redactor import Notes, Redactor
from tracer.capture.token import bearer
from tracer.schema.events import encode_fields

_REMEMBERED: Final = 4096
_BLOCKS: Final = 64
_LONGEST: Final = 512
_ID: Final = re.compile(r"[0-9a-f]{1,20}")
"""An id as Gmail gives them."""
_COLLECTIONS: Final = frozenset({"drafts", "events", "labels", "messages", "tasks", "threads"})
"""Only after these is the end of a path an id for certain; elsewhere it may be of a secret."""


class KnownCall(NamedTuple):
    """What the start line of a call says, account and time aside."""

    url: str
    url_notes: Notes
    data: dict[str, Any]
    notes: Notes


NOTHING: Final = KnownCall("", [], {}, [])
"""What is known of a call that has no request."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Kept = tuple[dict[str, str], tuple[tuple[str, str], ...]]


def _remember(memory: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Add to `memory`, which begins anew when it has `most`."""
    if len(memory) >= most:
        memory.clear()
    memory[key] = value


class Memo:
    """Remembers, header by header and URL piece by URL piece, what `redactor` kept of each.

    What is remembered is never more than the redaction lets through, and the program's own values.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._headers: dict[tuple[str, Any], _Kept] = {}
        self._blocks: dict[tuple[str, str], tuple[orjson.Fragment, Notes]] = {}
        self._calls: dict[tuple[str, str, str], KnownCall] = {}
        self._tokens: dict[Any, tuple[str, str]] = {}
        self._pairs: dict[str, tuple[str, Notes]] = {}
        self._pieces: dict[str, tuple[str, tuple[dict[str, str], ...]]] = {}

    def headers(self, headers: Mapping[str, str], notes: Notes, path: str) -> orjson.Fragment:
        """Return `headers` under lower-case names, as the redaction keeps them, as JSON."""
        try:
            block = path, "\0".join([*headers, *headers.values()])  # one text: one comparison
        except TypeError:  # some transports hold bytes
            return self._blocks_anew(headers, notes, path)
        found = self._blocks.get(block)
        if found is None:
            own: Notes = []
            found = self._blocks_anew(headers, own, path), own
            _remember(self._blocks, block, found, _BLOCKS)
        if found[1]:
            notes += found[1]
        return found[0]

    def _blocks_anew(self, headers: Mapping[str, Any], notes: Notes, path: str) -> orjson.Fragment:
        kept: dict[str, str] = {}
        known = self._headers
        for pair in headers.items():
            single, found = known.get(pair) or self._look_at(pair)
            for name, value in single.items():
                kept[name] = f"{kept[name]}, {value}" if name in kept else value
            notes += [{"path": f"{path}{below}", "kind": kind} for below, kind in found]
        return orjson.Fragment(encode_fields(kept))

    def _look_at(self, pair: tuple[str, Any]) -> _Kept:
        notes: Notes = []
        kept = self._redactor.headers([pair], notes, "")
        found = kept, tuple((note["path"], note["kind"]) for note in notes)
        if len(str(pair[1])) <= _LONGEST:
            _remember(self._headers, pair, found, _REMEMBERED)
        return found

    def token(self, authorization: Any) -> tuple[str, str]:
        """Return the bearer token of an Authorization header, and its tag; empty if there is none.

        `authorization` is what the program gave, None if it gave nothing.
        """
        found = self._tokens.get(authorization)
        if found is None:
            token = bearer(authorization)
            found = token, token and self._redactor.tag(token)
            _remember(self._tokens, authorization, found, _BLOCKS)
        return found

    def call(self, method_id: str, url: str, http_method: str) -> KnownCall:
        """Return what there is to say of a call; read-only.

        Remembered of the last ones only: a send has the same URL each time, a read seldom.
        """
        found = self._calls.get((method_id, url, http_method))
        if found is None:
            found = self._look_at_call(method_id, url, http_method)
            if len(url) <= _LONGEST:
                _remember(self._calls, (method_id, url, http_method), found, _BLOCKS)
        return found

    def _look_at_call(self, method_id: str, url: str, http_method: str) -> KnownCall:
        url_notes: Notes = []
        kept = self.url(url, url_notes)
        notes = [
            {"path": f"params{note['path'].removeprefix('url')}", "kind": note["kind"]}
            for note in url_notes
        ]
        facts = discovery.method(method_id)
        data: dict[str, Any] = {
            "params": orjson.Fragment(encode_fields(discovery.parameters(method_id, kept))),
            "http_method": facts.http_method or http_method,
        }
        if facts.scopes is not None:
            data["scopes"] = facts.scopes
        return KnownCall(kept, url_notes, data, notes)

    def url(self, url: str, notes: Notes) -> str:
        """Return `url` as the redaction keeps it, piece by piece of its query."""
        place, mark, query = url.partition("?")
        if not mark or "#" in url:
            return self._redactor.url(url, notes, "url")
        above, _, last = place.rpartition("/")
        if _ID.fullmatch(last) and above.rpartition("/")[2] in _COLLECTIONS:
            kept = f"{self._piece(above, notes)}/{last}"
        else:
            kept = self._piece(place, notes)
        pairs = []
        for pair in query.split("&"):
            found = self._pairs.get(pair) or self._look_at_pair(pair)
            pairs.append(found[0])
            if found[1]:
                notes += found[1]
        return f"{kept}?{'&'.join(pairs)}"

    def _look_at_pair(self, pair: str) -> tuple[str, Notes]:
        notes: Notes = []
        found = self._redactor.url(f"?{pair}", notes, "url")[1:], notes
        if len(pair) <= _LONGEST:
            _remember(self._pairs, pair, found, _REMEMBERED)
        return found

    def _piece(self, piece: str, notes: Notes) -> str:
        found = self._pieces.get(piece)
        if found is None:
            own: Notes = []
            found = self._redactor.url(piece, own, "url"), tuple(own)
            if len(piece) <= _LONGEST:
                _remember(self._pieces, piece, found, _REMEMBERED)
        if found[1]:
            notes.extend(found[1])
        return found[0]

"""Media uploads: simple, multipart, and resumable sessions with their chunks."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass

from samples.sandbox import multipart
from samples.sandbox.errors import Refused
from samples.sandbox.wire import Reply, Request

MAX_SIZE = 36_700_160
"""35 MiB: the `maxSize` of Gmail's upload methods."""
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(slots=True)
class Session:
    """A resumable upload in progress."""

    authorization: str
    metadata: bytes
    content: bytearray
    total: int | None


class Uploads:
    """Takes uploads apart; what they hold goes on as an ordinary call."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    def start(self, request: Request) -> Reply:
        """Open a resumable session and say where to put the chunks."""
        declared = request.headers.get("x-upload-content-length", "")
        total = int(declared) if declared.isdigit() else None
        if total is not None and total > MAX_SIZE:
            raise Refused("too-large")
        name = "ABPtcP" + secrets.token_urlsafe(60)
        self.sessions[name] = Session(
            request.headers.get("authorization", ""), request.body, bytearray(), total
        )
        where = f"{request.origin}{request.path}?uploadType=resumable&upload_id={name}"
        return Reply(200, b"", {"Location": where, "X-GUploader-UploadID": name})

    def chunk(self, request: Request, name: str) -> tuple[Session, Reply | None]:
        """Take a chunk; the reply is 308 while more is to come, None when the content is complete.

        Raises:
            Refused: 404 for an unknown session, 400 for a bad range, 413 beyond 35 MiB.
        """
        session = self.sessions.get(name)
        if session is None:
            raise Refused("entity-not-found")
        said = request.headers.get("content-range")
        if said is None:
            session.content[:] = request.body
            session.total = len(request.body)
        else:
            self._place(session, said, request.body)
        if len(session.content) > MAX_SIZE:
            raise Refused("too-large")
        if session.total is None or len(session.content) < session.total:
            return session, _incomplete(session)
        del self.sessions[name]
        return session, None

    @staticmethod
    def _place(session: Session, said: str, body: bytes) -> None:
        found = _RANGE.fullmatch(said)
        if found is None:
            raise Refused("argument", name="Content-Range", value=said)
        first, last, total = found.groups()
        if total != "*":
            session.total = int(total)
        if first is None:
            return
        start = int(first)
        if start > len(session.content) or int(last) - start + 1 != len(body):
            raise Refused("argument", name="Content-Range", value=said)
        session.content[start:] = body


def _incomplete(session: Session) -> Reply:
    headers = {"X-Range-MD5": "0" * 32} if session.content else {}
    if session.content:
        headers["Range"] = f"bytes=0-{len(session.content) - 1}"
    return Reply(308, b"", headers, reason="Resume Incomplete")


def split_related(body: bytes, content_type: str) -> tuple[bytes, bytes]:
    """Split a ``multipart/related`` upload into its JSON and its media.

    Raises:
        Refused: 400 when it has not exactly two parts.
    """
    parts = multipart.split(body, content_type)
    if len(parts) != 2:
        raise Refused("raw-required")
    (_, metadata), (headers, media) = parts
    if headers.get("content-transfer-encoding", "").lower() == "base64":
        try:
            media = base64.b64decode(media)
        except binascii.Error as error:
            raise Refused("raw-required") from error
    return metadata, media

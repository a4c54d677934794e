"""Makes big session files for the benchmarks: seeded, with the writer's real layout.

``python -m tests.bench.generate OUT EVENTS``. A million events are about 1 GB: mean line 1 KB, one
in a hundred above 8 KB, as in recorded sessions.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from tracer.schema.events import Event, encode, timestamp

START_NS: Final = 1_795_000_000_000_000_000
NEEDLE: Final = "NEEDLE-7f3a91c0-unique"
_MARK: Final = "9f9f9f9f9f9f9f9f"  # stands for an id in a template
_METHODS: Final = (
    ("gmail", "gmail.users.messages.send", "POST gmail.googleapis.com", 0.25),
    ("gmail", "gmail.users.messages.list", "GET gmail.googleapis.com", 0.15),
    ("gmail", "gmail.users.messages.get", "GET gmail.googleapis.com", 0.2),
    ("directory", "directory.users.list", "GET admin.googleapis.com", 0.2),
    ("directory", "directory.users.get", "GET admin.googleapis.com", 0.1),
    ("contacts", "people.people.connections.list", "GET people.googleapis.com", 0.05),
    ("calendar", "calendar.events.list", "GET www.googleapis.com", 0.05),
)
_HEADERS: Final = {
    "content-type": "application/json; charset=UTF-8", "vary": "Origin", "server": "ESF",
    "date": "Wed, 18 Nov 2026 09:46:40 GMT", "cache-control": "private",
    "x-content-type-options": "nosniff", "authorization": "⟨redacted token #a1b2c3d4e5⟩",
}  # fmt: skip


class _Templates:
    """Lines with holes for what differs, since encoding a million events takes minutes."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._bodies = [self._body(size) for size in _sizes(rng)]

    def _body(self, size: int) -> bytes:
        users: list[dict[str, object]] = []
        while len(orjson.dumps(users)) < size:
            users.append(
                {
                    "id": f"{self._rng.getrandbits(60)}",
                    "primaryEmail": f"person{self._rng.randrange(9999)}@masoc.example",
                    "name": {"fullName": f"Zoé Dupond {self._rng.randrange(9999)}"},
                    "suspended": False,
                }
            )
        return orjson.dumps({"kind": "admin#directory#users", "users": users})

    def data(self, kind: str) -> bytes:
        """Return the data of one event of `kind`, without ``mono``."""
        if kind == "exchange-end":
            body = self._rng.choice(self._bodies)
            status = orjson.dumps(
                {
                    "method": "GET", "role": "call", "attempt": 1,
                    "url": "https://gmail.googleapis.com/gmail/v1/users/me/messages?alt=json",
                    "token": "a1b2c3d4e5", "request": {"headers": _HEADERS},
                    "wire": [{"n": 1, "conn": 7, "reused": True, "peer": "142.250.1.1:443",
                              "phases": {"send": 0.1, "wait": 120.5, "read": 1.2}}],
                }
            )  # fmt: skip
            headers = orjson.dumps(_HEADERS)
            return (
                status[1:-1] + b',"response":{"status":200,"headers":' + headers
                + b',"body":{"size":' + str(len(body)).encode() + b',"json":' + body + b"}}"
            )  # fmt: skip
        text = "x" * self._rng.choice((120, 260, 420, 600))
        return orjson.dumps({"params": {"userId": "me", "note": text}, "account": "d@x.example"})[
            1:-1
        ]


def _sizes(rng: random.Random) -> list[int]:
    """Return body sizes of which few are big."""
    small = [rng.choice((200, 400, 600, 800)) for _ in range(176)]
    middle = [rng.randrange(2_000, 5_000) for _ in range(10)]
    return [*small, *middle, *(rng.randrange(7_500, 18_500) for _ in range(14))]


def events(count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield `count` framed lines."""
    rng = random.Random(seed)
    templates = _Templates(rng)
    pools = {kind: [templates.data(kind) for _ in range(200)] for kind in ("exchange-end", "other")}
    heads = _heads()
    now, seq, made = START_NS, 0, 0
    needles = {17, count // 2, count * 9 // 10, count - 1}
    while made < count:
        topic, method, exchange, _ = rng.choices(_METHODS, [m[3] for m in _METHODS])[0]
        op, call, attempt = (f"{rng.getrandbits(64) | 1:016x}" for _ in range(3))
        status = rng.choices((200, 204, 403, 404, 429, 503), (90, 5, 1, 2, 1, 1))[0]
        ms = rng.randrange(400, 2_500_000) / 1000
        for kind, phase, name, own, parent in (
            ("operation", "start", "send", op, None),
            ("step", "point", "env", f"{rng.getrandbits(64) | 1:016x}", op),
            ("call", "start", method, call, op),
            ("exchange", "start", exchange, attempt, call),
            ("exchange", "end", exchange, attempt, call),
            ("call", "end", method, call, op),
            ("operation", "end", "send", op, None),
        ):
            if made == count:
                return
            seq += 1
            now += rng.randrange(50_000, 900_000)
            ended = phase == "end"
            pool = pools["exchange-end" if (kind, phase) == ("exchange", "end") else "other"]
            data = rng.choice(pool)
            if made in needles:
                data += b',"needle":"' + NEEDLE.encode() + b'"'
            yield heads[topic if kind != "step" else "resolution", kind, phase] % (
                timestamp(now).encode(), own.encode(),
                b'"%s"' % parent.encode() if parent else b"null", op.encode(), seq, name.encode(),
                (b"%d" % (0 if kind == "operation" else status)) if ended else b"null",
                (b"%.3f" % ms) if ended else b"null", now, data,
            )  # fmt: skip
            made += 1


def _heads() -> dict[tuple[str, str, str], bytes]:
    """Return a line with holes for every topic, kind and phase, made by the writer's encoder."""
    found = {}
    for topic in ("gmail", "directory", "contacts", "calendar", "resolution"):
        for kind in ("operation", "call", "exchange", "step"):
            for phase in ("start", "end", "point"):
                line = encode(
                    Event(
                        ts="<ts>", topic=topic, kind=kind, phase=phase, id="<id>", parent=None,
                        op=_MARK, pid=4242, seq=1, name="<name>", status=None, ms=None,
                        data={"mono": 1},
                    )
                )  # fmt: skip
                for text, hole in (
                    (b"<ts>", b"%s"), (b"<id>", b"%s"), (b'"parent":null', b'"parent":%s'),
                    (_MARK.encode(), b"%s"), (b'"seq":1', b'"seq":%d'), (b"<name>", b"%s"),
                    (b'"status":null', b'"status":%s'), (b'"ms":null', b'"ms":%s'),
                    (b'"mono":1', b'"mono":%d,%s'),
                ):  # fmt: skip
                    line = line.replace(text, hole, 1)
                found[topic, kind, phase] = b"\n" + line + b"\n"
    return found


def write(path: Path, count: int) -> Path:
    """Write `count` events to `path` unless they are there already; return it."""
    done = path.with_suffix(".done")
    if not done.exists():
        with path.open("wb", buffering=1 << 20) as file:
            for line in events(count):
                file.write(line)
        done.touch()
    return path


if __name__ == "__main__":
    made = write(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(f"{made} {made.stat().st_size:,} bytes\n")

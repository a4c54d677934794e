"""The writing of one line."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support.traces import TraceBuilder
from tracer.schema.events import (
    HEAD_END,
    Event,
    Kind,
    Phase,
    Topic,
    encode,
    is_error,
    new_id,
    timestamp,
)
from tracer.schema.lines import DamagedLineError, NewerVersionError, parse

HEAD_KEYS = [
    *("v", "ts", "topic", "kind", "phase", "id", "parent", "op"),
    *("pid", "seq", "name", "status", "ms", "data"),
]


def an_event(**changes: Any) -> Event:
    """Return a complete event with `changes`."""
    values: dict[str, Any] = {
        "ts": timestamp(1_700_000_000_123_456_789), "topic": "gmail",
        "kind": "call", "phase": "end",
        "id": "0" * 15 + "1", "parent": None, "op": None, "pid": 1, "seq": 1, "name": "n",
        "status": 200, "ms": 1.5, "data": {},
    }  # fmt: skip
    return Event(**{**values, **changes})


def test_head_comes_first_in_its_fixed_order() -> None:
    """A line's keys stand in the order of the format, data last."""
    line = encode(an_event(data={"x": 1}))
    assert list(orjson.loads(line)) == HEAD_KEYS
    assert line.endswith(b',"data":{"x":1}}')


@given(st.text(), st.text())
def test_first_data_key_ends_the_head(name: str, value: str) -> None:
    """Whatever stands in a name, the first `,"data":` of the line is the end of the head."""
    event = an_event(name=name, data={"value": value})
    line = encode(event)
    head = orjson.loads(line.split(HEAD_END, 1)[0] + b"}")
    assert set(head) == set(HEAD_KEYS) - {"data"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters()), JSON))
def test_anything_encodes_to_one_parseable_line(data: dict[str, object]) -> None:
    """Lone surrogates, huge integers, bytes: one line comes out, and it reads as an event."""
    line = encode(an_event(data=data))
    assert b"\n" not in line
    assert parse(line).name == "n"


@given(st.binary())
def test_reader_has_one_error_type(line: bytes) -> None:
    """Any bytes are an event or a DamagedLineError, nothing else."""
    with suppress(DamagedLineError):
        parse(line)


@given(st.data())
def test_a_damaged_line_is_named_never_raised_as_something_else(data: st.DataObject) -> None:
    """A line cut anywhere, or with one byte changed, is an event or a DamagedLineError."""
    line = bytearray(encode(an_event(data={"text": "häß", "n": [1, {"a": None}]})))
    at = data.draw(st.integers(0, len(line) - 1))
    if data.draw(st.booleans()):
        line[at] = data.draw(st.integers(0, 255))
    else:
        del line[at:]
    with suppress(DamagedLineError):
        parse(bytes(line))


def test_newer_version_asks_for_an_update() -> None:
    """A line of a later format says what to do."""
    line = encode(an_event(v=2))
    with pytest.raises(NewerVersionError, match="please update mapi-tracer"):
        parse(line)


def test_unknown_keys_are_ignored() -> None:
    """A key of a later writer of the same version does no harm."""
    raw = orjson.loads(encode(an_event())) | {"later": 1}
    assert parse(orjson.dumps(raw)) == an_event()


@pytest.mark.parametrize(
    "ns", [0, 999, 1_000, 1_700_000_000_999_999_999, 4_102_444_800_000_000_000]
)
def test_timestamps_have_one_width(ns: int) -> None:
    """27 characters, microseconds, UTC."""
    assert len(timestamp(ns)) == 27
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork exists on POSIX only")
def test_a_forked_child_makes_other_ids() -> None:
    """Two processes from one parent never give the same id."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, new_id().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    child = os.read(read, 16).decode()
    os.close(read)
    os.close(write)
    assert child != new_id()


@pytest.mark.parametrize(
    ("kind", "phase", "topic", "status", "expected"),
    [
        ("call", "end", "gmail", 200, False),
        ("call", "end", "gmail", 403, True),
        ("exchange", "end", "smtp", 535, True),
        ("exchange", "end", "smtp", 354, False),
        ("exchange", "end", "ldap", 0, False),
        ("exchange", "end", "ldap", 49, True),
        ("exchange", "end", "ldap", 10, False),
        ("exchange", "end", "mapi", 0, False),
        ("exchange", "end", "mapi", 0x80040111, True),
        ("exchange", "end", "gmail", None, True),
        ("exchange", "start", "gmail", None, False),
        ("operation", "end", "gmail", 1, True),
        ("operation", "end", "gmail", 0, False),
        ("gap", "point", "session", None, True),
        ("step", "point", "resolution", None, False),
    ],
)
def test_failure_is_told_from_the_head(
    kind: str, phase: str, topic: str, status: int | None, expected: bool
) -> None:
    """Each protocol's own status says whether it failed; no answer is a failure."""
    assert is_error(kind, phase, topic, status) is expected


def test_the_published_schema_accepts_what_the_words_allow(schema: Draft202012Validator) -> None:
    """Topics, kinds and phases of the code and of the schema are the same."""
    assert isinstance(schema.schema, Mapping)
    properties = schema.schema["properties"]
    assert properties["topic"]["enum"] == [str(t) for t in Topic]
    assert properties["kind"]["enum"] == [str(k) for k in Kind]
    assert properties["phase"]["enum"] == [str(p) for p in Phase]


def test_built_sessions_are_valid(schema: Draft202012Validator) -> None:
    """The sessions that the reading side is tested with are sessions by the schema."""
    build = TraceBuilder()
    with build.operation("send", "gmail"):
        build.step("env", "chosen", "env-match", candidate="a@b.example")
        build.call("gmail.users.messages.send", "gmail")
    for event in build.events:
        schema.validate(orjson.loads(encode(event)))

"""The fast reading of heads says what the tolerant one says, or nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.traces import START_NS
from tracer.schema.events import Event, Kind, Phase, Topic, encode, timestamp
from tracer.schema.lines import DamagedLineError, parse
from viewer.model.heads import NO_STATUS, PADDING, Heads, read_heads
from viewer.model.reader import id_number, micros
from viewer.model.trace import Trace

IDS = st.integers(1, 2**64 - 1).map(lambda n: f"{n:016x}")
NAMES = st.one_of(
    st.sampled_from(["gmail.users.messages.send", "POST gmail.googleapis.com", "send", ""]),
    st.text(max_size=90),
)
EVENTS = st.builds(
    Event,
    ts=st.integers(0, 2 * START_NS).map(timestamp),
    topic=st.one_of(st.sampled_from(list(Topic)), st.text(max_size=20)).map(str),
    kind=st.one_of(st.sampled_from(list(Kind)), st.text(max_size=20)).map(str),
    phase=st.sampled_from(list(Phase)).map(str),
    id=st.one_of(IDS, st.text(max_size=20)),
    parent=st.none() | IDS,
    op=st.none() | IDS,
    pid=st.integers(0, 2**33),
    seq=st.integers(1, 10**12),
    name=NAMES,
    status=st.none() | st.integers(0, 2**32 - 1) | st.integers(-5, 10**12),
    ms=st.none()
    | st.floats(0, 1e7)
    | st.integers(0, 10**12).map(lambda n: n / 1e6)
    | st.floats(allow_nan=False, allow_infinity=False),
    data=st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=3),
)


def read(lines: list[bytes]) -> Heads:
    """Read `lines` as one block, framed as the writer frames them."""
    data = b"".join(b"\n" + line + b"\n" for line in lines)
    block = np.zeros(len(data) + PADDING, dtype=np.uint8)
    block[: len(data)] = np.frombuffer(data, dtype=np.uint8)
    ends = np.cumsum([len(line) + 2 for line in lines]) - 1
    return read_heads(block, ends - [len(line) for line in lines], ends)


def check(heads: Heads, row: int, line: bytes) -> None:
    """Compare what was read with what the tolerant reader says of the same line."""
    event = parse(line)  # a line that the fast way takes is an event
    assert heads.ts[row] == micros(event.ts)
    assert (heads.id[row], heads.parent[row], heads.op[row]) == (
        id_number(event.id),
        id_number(event.parent),
        id_number(event.op),
    )
    assert heads.pid[row] == event.pid
    assert heads.status[row] == (NO_STATUS if event.status is None else event.status)
    if event.ms is None:
        assert np.isnan(heads.ms[row])
    else:
        assert heads.ms[row] == np.float32(event.ms)


@given(st.lists(EVENTS, min_size=1, max_size=12))
@settings(max_examples=100)
def test_reads_what_the_writer_writes(events: list[Event]) -> None:
    """Whatever the writer writes is read right; plain events are never refused."""
    lines = [encode(event) for event in events]
    heads = read(lines)
    for row, line in enumerate(lines):
        if heads.ok[row]:
            check(heads, row, line)
    same: dict[tuple[str, int], object] = {}
    for row, line in enumerate(lines):
        if heads.ok[row]:
            event = parse(line)
            assert same.setdefault(("name", int(heads.name[row])), event.name) == event.name
            sort = (event.topic, event.kind, event.phase)
            assert same.setdefault(("sort", int(heads.sort[row])), sort) == sort


@given(EVENTS, st.data())
@settings(max_examples=200)
def test_mangled_heads_are_refused_or_read_right(event: Event, data: st.DataObject) -> None:
    """After a byte of the head is replaced, removed or doubled, fast equals tolerant or refuses."""
    line = encode(event)
    head = line.index(b',"data":') + 9
    at = data.draw(st.integers(0, head - 1))
    byte = bytes([data.draw(st.sampled_from(list(b'0159af"\\,.:{}[]-+eEnulT Z\x00\x1b\xff')))])
    mangled = data.draw(
        st.sampled_from(
            [
                line[:at] + byte + line[at + 1 :],
                line[:at] + line[at + 1 :],
                line[:at] + byte + line[at:],
            ]
        )
    )
    if any(c < 32 for c in mangled):
        return  # control characters are sent to the tolerant reader before
    if mangled.startswith(line[:head]):
        return  # the head is whole: a brace was put before that of the data
    heads = read([mangled, line])
    if heads.ok[0] and _is_utf8(mangled):  # else it is damage that only decoding shows
        check(heads, 0, mangled)


@given(EVENTS, st.floats(0, 1))
def test_torn_lines_are_refused(event: Event, where: float) -> None:
    """A line that was cut off anywhere in its head is refused, whatever line comes next."""
    line = encode(event)
    cut = line[: int(where * line.index(b',"data":'))] or b"{"
    assert not read([cut, line]).ok[0]


@pytest.mark.parametrize("name", ["a" * 62, "é" * 30, "", "x.y-z/ü ⟨redacted⟩"])
def test_takes_the_usual(name: str) -> None:
    """Nothing that the writer writes every day goes the slow way."""
    event = Event(
        ts=timestamp(START_NS), topic="resolution", kind="operation", phase="point",
        id="0" * 15 + "1", parent="f" * 16, op=None, pid=4_194_304, seq=99_999_999, name=name,
        status=2_147_942_405, ms=123456.789012, data={},
    )  # fmt: skip
    heads = read([encode(event)])
    assert heads.ok.all()
    check(heads, 0, encode(event))


@given(st.lists(st.one_of(EVENTS.map(encode), st.binary(max_size=300)), max_size=20))
@settings(max_examples=60)
def test_the_index_is_what_line_by_line_reading_says(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    """Rows, order and damage equal those of a reader that decodes each line with orjson."""
    path = tmp_path_factory.mktemp("index") / "s.jsonl"
    data = b"\n".join(lines)
    path.write_bytes(data)
    wanted, damaged = _line_by_line(path)
    trace = Trace.open([path])
    assert [trace.raw(row) for row in range(len(trace))] == wanted
    assert sorted(damage.line for damage in trace.damage) == damaged
    trace.close()


def _line_by_line(path: Path) -> tuple[list[bytes], list[int]]:
    events: list[tuple[int, bytes]] = []
    damaged: list[int] = []
    last = 0
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip(b" \t\r\n\0"):
            continue
        try:
            event = parse(line)
        except DamagedLineError:
            damaged.append(number)
            continue
        at: Any = micros(event.ts)
        last = last if at is None else at
        events.append((last, line))
    return [line for _, line in sorted(events, key=lambda pair: pair[0])], damaged


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True

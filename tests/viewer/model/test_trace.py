"""The index: rows in time, growth, change under us, damage, several files and clocks."""

import threading
from pathlib import Path

import numpy as np
import pytest

from tests.support.traces import START_NS, TraceBuilder
from tracer.schema.events import encode, is_error
from tracer.schema.lines import parse
from viewer.model.finding import Severity
from viewer.model.trace import Trace


def story(pid: int = 100, start_ns: int = START_NS) -> TraceBuilder:
    """Return two operations: one that failed, one whose call was never answered."""
    made = TraceBuilder(pid, start_ns)
    with made.operation("send", "gmail", status=1):
        made.step("env", "refused", "other-environment", candidate="dupond@masoc.com")
        made.wait(5)
        made.call("gmail.users.messages.send", "gmail", status=403, ms=20.5)
    made.add("gap", "point", "dropped", "session", count=3)
    with made.operation("read mailbox", "gmail"):
        made.call("gmail.users.messages.list", "gmail", answered=False)
    return made


def feed_all(trace: Trace) -> None:
    """Feed in small portions until all is indexed, as the interface does."""
    for _ in range(10_000):
        if trace.complete:
            return
        trace.feed(0.001)
    raise AssertionError("it never completes")


def test_rows_are_events_in_order_of_time(tmp_path: Path) -> None:
    """Each row decodes to the event whose exact line it returns."""
    made = story()
    trace = Trace.open([made.write(tmp_path / "s.jsonl")])
    assert len(trace) == len(made.events)
    assert [trace.event(row) for row in range(len(trace))] == made.events
    assert [parse(trace.raw(row)) for row in range(len(trace))] == made.events
    assert [trace.head(row).seq for row in range(len(trace))] == [e.seq for e in made.events]
    assert trace.complete
    assert not trace.damage
    assert trace.progress == 1.0


def test_lists_hide_starts_that_ended(tmp_path: Path) -> None:
    """A start line is shown only if its end line is missing."""
    trace = Trace.open([story().write(tmp_path / "s.jsonl")])
    shown = [trace.head(row) for row in trace.shown().tolist()]
    assert [(h.kind, h.phase) for h in shown if h.phase == "start"] == [
        ("call", "start"),
        ("exchange", "start"),
    ]
    for row in range(len(trace)):
        assert trace.is_shown(row) == (row in trace.shown())


def test_failures_are_those_of_the_format(tmp_path: Path) -> None:
    """The vectorised test for failures says what `is_error` says, for every topic and kind."""
    made = TraceBuilder()
    for topic in ("gmail", "ldap", "mapi", "smtp"):
        for kind in ("operation", "call", "exchange", "step", "gap", "process"):
            for status in (None, 0, 1, 5, 14, 49, 250, 399, 400, 550, 0x80070005):
                made.add(kind, "end", "x", topic, status=status)
    trace = Trace.open([made.write(tmp_path / "s.jsonl")])
    for row, event in enumerate(made.events):
        wanted = is_error(event.kind, event.phase, event.topic, event.status)
        assert trace.failed(row) == wanted, event


def test_lookups(tmp_path: Path) -> None:
    """Ids, children and operations are found before and after the columns are sorted."""
    made = story()
    trace = Trace.open([made.write(tmp_path / "s.jsonl")])
    for _ in range(40):
        for event in made.events:
            rows = [n for n, e in enumerate(made.events) if e.id == event.id]
            assert list(trace.rows_of(event.id)) == rows
            assert trace.row_of(event.id) == rows[-1]
            children = [n for n, e in enumerate(made.events) if e.parent == event.id]
            assert list(trace.children(event.id)) == [n for n in children if trace.is_shown(n)]
    assert trace.row_of("nothing like it") is None
    op = made.events[0].id
    assert trace.op_rows(op).tolist() == [n for n, e in enumerate(made.events) if e.op == op]


def test_select_and_counts(tmp_path: Path) -> None:
    """Conditions are all met; counts and the worst of each topic come from the heads."""
    trace = Trace.open([story().write(tmp_path / "s.jsonl")])
    calls = trace.select(kinds=["call"], names=["gmail.users.messages.send"], errors=True)
    assert [trace.head(row).status for row in calls.tolist()] == [403]
    assert trace.topic_counts() == {"gmail": 6, "resolution": 1, "session": 1}
    assert trace.worst() == {
        "gmail": Severity.ERROR,
        "resolution": Severity.CHAT,
        "session": Severity.WARNING,
    }


def test_opens_at_once_and_grows(tmp_path: Path) -> None:
    """Without waiting the first rows are there at once; feeding brings the same index."""
    made = TraceBuilder()
    for n in range(3000):
        made.add("note", "point", f"note {n % 7}", "session", text="x" * 300)
        made.wait(1)
    path = made.write(tmp_path / "s.jsonl")
    trace = Trace.open([path], wait=False)
    assert 50 < len(trace) < 3000
    assert not trace.complete
    assert 0 < trace.progress < 1
    feed_all(trace)
    assert [trace.event(row) for row in range(len(trace))] == made.events


def test_follows_a_growing_file(tmp_path: Path) -> None:
    """A half-written last line waits, listed as a tail, and becomes an event when it is whole."""
    made = story()
    data = made.lines()
    path = tmp_path / "s.jsonl"
    seen = 0
    cuts = [*range(1, len(data), 97), len(data)]
    path.write_bytes(b"")
    trace = Trace.open([path], wait=False)
    with path.open("ab") as file:
        for begin, end in zip([0, *cuts], cuts, strict=False):
            file.write(data[begin:end])
            file.flush()
            trace.feed()
            assert len(trace) >= seen
            seen = len(trace)
            whole = sum(line.endswith(b"}}") for line in data[:end].split(b"\n")[:-1])
            assert len(trace) >= whole
            assert [d.reason for d in trace.damage] in ([], ["cut off: it has no end"])
    feed_all(trace)
    assert [trace.event(row) for row in range(len(trace))] == made.events
    assert not trace.damage
    trace.close()


@pytest.mark.parametrize("how", ["truncated", "replaced"])
def test_a_file_that_changes_is_read_anew(tmp_path: Path, how: str) -> None:
    """A file that is cut off or replaced while open is indexed again, and it is said."""
    path = story().write(tmp_path / "s.jsonl")
    trace = Trace.open([path], wait=False)
    before = trace.generation
    other = TraceBuilder()
    other.add("note", "point", "new", "session")
    if how == "truncated":
        path.write_bytes(other.lines())
    else:
        other.write(tmp_path / "new")
        (tmp_path / "new").replace(path)
    assert trace.feed()
    feed_all(trace)
    assert [trace.head(row).name for row in range(len(trace))] == ["new"]
    assert trace.generation > before
    assert trace.notices == [f"{how} {path}"]
    trace.close()


def test_reading_rows_of_a_vanished_file_does_not_raise(tmp_path: Path) -> None:
    """Rows that were given out before a file was cut off still answer something."""
    path = story().write(tmp_path / "s.jsonl")
    trace = Trace.open([path])
    path.write_bytes(b"")
    assert trace.head(3).id == trace.id_of(3)
    assert "damaged" in trace.event(3).data
    assert trace.account(3) == ""
    trace.close()


def test_several_files_on_one_timeline(tmp_path: Path) -> None:
    """Events of several files are merged by time, whatever block they come in."""
    one, two = TraceBuilder(1), TraceBuilder(2, START_NS + 500_000)
    for made in (one, two):
        for n in range(1500):
            made.add("note", "point", f"{made.pid}-{n}", "session", text="y" * 500)
            made.wait(1)
    paths = [one.write(tmp_path / "1.jsonl"), two.write(tmp_path / "2.jsonl")]
    trace = Trace.open(paths, wait=False)
    feed_all(trace)
    names = [trace.head(row).name for row in range(len(trace))]
    assert names == [f"{pid}-{n}" for n in range(1500) for pid in (1, 2)]
    assert trace.file_of(1) == str(paths[1])
    assert bool(np.all(np.diff(trace.column("ts")) >= 0))


def test_disorder_within_a_file_is_put_in_order(tmp_path: Path) -> None:
    """Lines whose times go back are shown in order of time, pairs still found."""
    made = story()
    data = b"".join(b"\n" + encode(event) + b"\n" for event in reversed(made.events))
    (tmp_path / "s.jsonl").write_bytes(data)
    trace = Trace.open([tmp_path / "s.jsonl"])
    stamps = [trace.head(row).ts for row in range(len(trace))]
    assert stamps == sorted(stamps)
    assert len(trace.shown()) == 8


def test_clock_skew_is_shown(tmp_path: Path) -> None:
    """Two processes of one boot whose wall clocks disagree are named with the difference."""
    made = TraceBuilder(1)
    made.add("process", "start", "a", "session", boot="b00t")
    ahead = TraceBuilder(2, START_NS + 3_000_000_000)
    ahead.add("process", "start", "b", "session", boot="b00t")
    line = encode(ahead.events[0]).replace(b'"mono":%d' % ahead.now_ns, b'"mono":%d' % made.now_ns)
    path = made.write(tmp_path / "s.jsonl")
    path.write_bytes(path.read_bytes() + line + b"\n")
    (skew,) = Trace.open([path]).skews
    assert (skew.pid, round(skew.ms)) == (2, 3000)


def test_damage_is_listed_with_its_place(tmp_path: Path) -> None:
    """Torn, foreign, NUL-filled and newer lines are listed by line number; the rest is there."""
    made = story()
    good = [encode(event) for event in made.events]
    newer = good[0].replace(b'{"v":1', b'{"v":2')
    lines = [
        good[0], good[1][:90], b"\0" * 50, good[2], b'{"hello":1}', newer, b"", b"[" * 10_000,
        good[3].replace(b'"data":{', b'"data":{"x":\x01,'), good[4], b"x", good[5][:-1],
    ]  # fmt: skip
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"\n".join(lines))
    trace = Trace.open([path])
    assert [trace.event(row).id for row in range(len(trace))] == [
        made.events[n].id for n in (0, 2, 4)
    ]
    assert [d.line for d in trace.damage] == [2, 5, 6, 8, 9, 11, 12]
    assert [d.line for d in trace.damage if d.newer] == [6]


def test_damage_inside_data_shows_when_decoded(tmp_path: Path) -> None:
    """A line broken in the middle of its data is a row; decoding lists it and does not raise."""
    line = encode(story().events[3]).replace(b'"mono":', b'"mono"!')
    (tmp_path / "s.jsonl").write_bytes(line + b"\n")
    trace = Trace.open([tmp_path / "s.jsonl"])
    assert trace.event(0).data["damaged"].startswith("not JSON")
    assert trace.event(0).kind == "exchange" or trace.event(0).kind
    assert [d.line for d in trace.damage] == [1]


def test_long_lines(tmp_path: Path) -> None:
    """A 5 MB line is one row whose head costs nothing, and its neighbours are there."""
    made = TraceBuilder()
    made.add("note", "point", "before", "session")
    made.add("note", "point", "long", "session", text="z" * 5_000_000)
    made.add("note", "point", "after", "session")
    trace = Trace.open([made.write(tmp_path / "s.jsonl")], wait=False)
    feed_all(trace)
    assert [trace.head(row).name for row in range(3)] == ["before", "long", "after"]
    assert len(trace.raw(1)) > 5_000_000


def test_a_line_beyond_all_measure_is_stepped_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line longer than the limit is one damaged line; what follows is read."""
    monkeypatch.setattr("viewer.model.reader.LINE_LIMIT", 3 << 20)
    made = TraceBuilder()
    made.add("note", "point", "after", "session")
    path = tmp_path / "s.jsonl"
    path.write_bytes(b'{"v":1' + b"x" * (9 << 20) + b"\n" + made.lines())
    trace = Trace.open([path], wait=False)
    feed_all(trace)
    assert [trace.head(row).name for row in range(len(trace))] == ["after"]
    assert [d.line for d in trace.damage] == [1]


def test_deep_json_is_a_row(tmp_path: Path) -> None:
    """JSON of 10,000 levels neither crashes nor hangs any reading of its row."""
    line = encode(story().events[0]).replace(b'"data":{', b'"data":{"x":%s1%s,' % (
        b"[" * 10_000, b"]" * 10_000
    ))  # fmt: skip
    (tmp_path / "s.jsonl").write_bytes(line + b"\n")
    trace = Trace.open([tmp_path / "s.jsonl"])
    assert len(trace) + len(trace.damage) == 1
    for row in range(len(trace)):
        assert trace.event(row).id
        assert trace.account(row) == ""


def test_reading_while_another_thread_feeds(tmp_path: Path) -> None:
    """Rows read while the index grows are the events they will be in the end."""
    made = TraceBuilder()
    for n in range(6000):
        made.add("note", "point", f"n{n}", "session", text="x" * 200)
        made.wait(1)
    trace = Trace.open([made.write(tmp_path / "s.jsonl")], wait=False)
    feeder = threading.Thread(target=feed_all, args=(trace,))
    feeder.start()
    while feeder.is_alive():
        row = len(trace) - 1
        assert trace.head(row).name == f"n{row}"
        assert len(trace.shown()) > row
    feeder.join()
    assert len(trace) == 6000

"""Operations as trees, marks beside the trace, and the index kept for next time."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.traces import TraceBuilder
from viewer.model import kept
from viewer.model.counts import Counts
from viewer.model.marks import load_marks
from viewer.model.store import TYPES
from viewer.model.trace import Trace
from viewer.model.tree import links, loose, operations, waterfall


def retried(tmp_path: Path) -> tuple[Trace, str]:
    """Return a trace whose call was tried twice, with a token request and a pause between."""
    made = TraceBuilder()
    with made.operation("send", "gmail") as op:
        call = made.add("call", "start", "gmail.users.messages.send", "gmail")
        made._parent = call
        for attempt, role, status in ((1, "call", 503), (1, "token", 200), (2, "retry", 200)):
            one = made.add("exchange", "start", "POST x", "gmail", role=role, attempt=attempt)
            made.wait(30)
            made.add(
                "exchange", "end", "POST x", "gmail", id=one, status=status, ms=30.0, role=role,
                attempt=attempt, token="t1", subject="a@x.example",
                wire=[{"n": 1, "phases": {"connect": 10, "wait": 15}}, {"n": 2, "phases": {}}],
            )  # fmt: skip
            made.wait(400)
        made._parent = op
        made.add("call", "end", "gmail.users.messages.send", "gmail", id=call, status=200, ms=90.0)
        made.step("account", "chosen", "x", source=[call])
    made.call("gmail.users.messages.list", "gmail")
    return Trace.open([made.write(tmp_path / "s.jsonl")]), op


def test_a_waterfall_draws_tries_waits_and_phases(tmp_path: Path) -> None:
    """Bars come parents first, with the pause before a retry, phases, and hidden re-sends."""
    trace, op = retried(tmp_path)
    bars = waterfall(trace, op)
    assert [(bar.depth, bar.kind, bar.role) for bar in bars] == [
        (0, "operation", ""),
        (1, "call", ""),
        (2, "exchange", "call"),
        (2, "exchange", "token"),
        (2, "wait", ""),
        (2, "exchange", "retry"),
        (1, "step", ""),
    ]
    wait = bars[4]
    assert (wait.start, wait.end) == (460.0, 860.0)
    assert bars[2].phases == (("connect", 0.0, 10.0), ("wait", 10.0, 25.0))
    assert bars[2].resent == 1
    assert bars[2].failed
    assert not bars[5].failed
    assert len(operations(trace)) == len(loose(trace)) == 1


def test_links(tmp_path: Path) -> None:
    """An exchange knows its call, its other tries, its token's and its account's others."""
    trace, op = retried(tmp_path)
    first, token, again = (row for row in trace.select(kinds=["exchange"], op=op).tolist())
    found = links(trace, again)
    assert found.parent is not None
    assert trace.head(found.parent).kind == "call"
    assert found.tries == [first, again]
    assert found.siblings == [first, token]
    assert found.same_token == [first, token]
    assert found.same_account == [first, token]
    step = trace.select(kinds=["step"]).tolist()[0]
    assert links(trace, step).sources == [found.parent]


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    """A trace that claims to be its own ancestor is drawn once and no further."""
    made = TraceBuilder()
    made.add("operation", "end", "a", "gmail", id="a" * 16, parent="b" * 16)
    made.add("call", "end", "b", "gmail", id="b" * 16, parent="a" * 16)
    trace = Trace.open([made.write(tmp_path / "s.jsonl")])
    assert [bar.id for bar in waterfall(trace, "a" * 16)] == ["a" * 16, "b" * 16]
    assert waterfall(trace, "c" * 16) == []


def test_an_unanswered_call_has_no_end(tmp_path: Path) -> None:
    """What was started and never answered is a bar without an end."""
    made = TraceBuilder()
    with made.operation("send", "gmail") as op:
        made.call("gmail.users.messages.send", "gmail", answered=False)
    bars = waterfall(Trace.open([made.write(tmp_path / "s.jsonl")]), op)
    assert [bar.end is None for bar in bars] == [False, True, True]
    assert bars[1].failed


def test_marks_stay_beside_the_trace(tmp_path: Path) -> None:
    """Marks and comments are kept in a file of their own; the trace is not touched."""
    trace, _ = retried(tmp_path)
    path = tmp_path / "s.jsonl"
    before = path.read_bytes()
    marks = load_marks([path])
    assert marks.toggle(trace.id_of(3))
    marks.comment(trace.id_of(4), "là ça coince \x1b[31m")
    again = load_marks([path])
    assert again.comments == {trace.id_of(3): "", trace.id_of(4): "là ça coince \x1b[31m"}
    assert not again.toggle(trace.id_of(3))
    assert path.read_bytes() == before
    again.clear()
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["s.jsonl"]
    (tmp_path / "s.jsonl.marks.json").write_text("[not marks")
    assert load_marks([path]).comments == {}
    assert load_marks(["-"]).path is None


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep sidecars in a folder of the test, also of small files; return it."""
    monkeypatch.setattr(kept, "FLOOR", 0)
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_a_sidecar_brings_the_same_index(tmp_path: Path, cached: Path) -> None:
    """The second opening takes the index kept by the first, damage and pairs included."""
    made = TraceBuilder()
    with made.operation("send", "gmail") as op:
        made.call("a.b", "gmail", answered=False)
    path = made.write(tmp_path / "s.jsonl")
    path.write_bytes(path.read_bytes() + b"\ndamaged\n")
    first = Trace.open([path])
    assert len(list(cached.glob("*.index"))) == 1
    second = Trace.open([path], wait=False)
    assert second._kept
    assert [second.event(row) for row in range(len(second))] == made.events
    assert second.shown().tolist() == first.shown().tolist()
    assert second.damage == first.damage
    with path.open("ab") as file:  # only longer: go on from there
        made.add("call", "end", "a.b", "gmail", id=made.events[1].id, parent=op, status=200, ms=1.0)
        file.write(made.lines().rpartition(b"\n\n")[2].join([b"\n", b"\n"]))
    third = Trace.open([path])
    assert third._kept
    assert len(third) == len(made.events)
    assert not third.is_shown(1)


def test_a_sidecar_that_does_not_fit_is_not_used(tmp_path: Path, cached: Path) -> None:
    """Another content of the same length, or a broken sidecar, means indexing anew."""
    made = TraceBuilder()
    made.add("note", "point", "one", "session")
    path = made.write(tmp_path / "s.jsonl")
    Trace.open([path])
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"two"'))
    assert Trace.open([path]).head(0).name == "two"
    index = next(cached.glob("*.index"))
    whole = index.read_bytes()
    for broken in (b"", whole[:50], whole[:-40], whole.replace(b'"count": 1', b'"count": 9')):
        index.write_bytes(broken)
        trace = Trace.open([path])
        assert [trace.head(row).name for row in range(len(trace))] == ["two"]
    assert Trace.open([path], cache=False).head(0).name == "two"


def test_a_sidecar_tells_the_counts_of_the_file_it_is_of(tmp_path: Path, cached: Path) -> None:
    """They are those of the trace; of a file that has changed, or of a broken sidecar, none are."""
    made = TraceBuilder()
    with made.operation("send", "gmail"):
        made.call("a.b", "gmail", answered=False)
        made.add("gap", "point", "lost", "session")
    path = made.write(tmp_path / "s.jsonl")
    path.write_bytes(path.read_bytes() + b"\ndamaged\n")
    assert kept.counts_of([str(path)]) is None
    trace = Trace.open([path])
    counts = kept.counts_of([str(path)])
    assert counts == trace.counts()
    assert counts is not None
    assert (counts.events, counts.gaps, counts.damaged) == (len(trace), 1, 1)
    assert (counts.topics, counts.worst) == (trace.topic_counts(), trace.worst())
    index = next(cached.glob("*.index"))
    whole = index.read_bytes()
    for broken in (b"", whole[:50], whole.replace(b'"events"', b'"count"'), whole[:19] + b"[]\n"):
        index.write_bytes(broken)
        assert kept.counts_of([str(path)]) is None
    index.write_bytes(whole)
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content[::-1])  # of the same size and time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kept.counts_of([str(path)]) is None
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kept.counts_of([str(path)]) == counts
    assert kept.counts_of([str(path), str(path)]) is None
    with path.open("ab") as file:
        file.write(b"\n")
    assert kept.counts_of([str(path)]) is None


def test_counts_follow_the_trace(tmp_path: Path) -> None:
    """They are counted anew when events or damage come, or when rows got other numbers."""
    made = TraceBuilder()
    made.add("note", "point", "one", "session")
    path = made.write(tmp_path / "s.jsonl")
    trace = Trace.open([path])
    assert trace.counts() is trace.counts()
    assert trace.counts().events == 1
    with path.open("ab") as file:
        file.write(b"\ndamaged\n" + made.lines())
    trace.feed()
    assert (trace.counts().events, trace.counts().damaged) == (2, 1)
    path.write_bytes(b"\n")
    trace.feed()
    assert trace.counts() == Counts()


@pytest.mark.parametrize("files", [1, 2])
def test_an_index_that_cannot_be_kept_takes_no_memory(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """Without a place for a cache, or of several files, it lives in a file too, and still grows."""
    cached.write_text("in the way")
    monkeypatch.setattr("viewer.model.sidecar._MANY", 1)
    paths = []
    for n in range(files):
        made = TraceBuilder(n + 1)
        for name in ("a", "b"):
            made.add("note", "point", name, "session")
            made.wait(1)
        paths.append(made.write(tmp_path / f"{n}.jsonl"))
    trace, fresh = Trace.open(paths), Trace.open(paths, cache=False)
    assert isinstance(file_of(trace.column("ts")), np.memmap)
    assert file_of(fresh.column("ts")) is None
    assert all(np.array_equal(trace.column(c), fresh.column(c), equal_nan=True) for c in TYPES)
    more = TraceBuilder(9)
    more.add("note", "point", "c", "session")
    with paths[0].open("ab") as file:
        file.write(b"\n" + more.lines())
    trace.feed()
    assert len(trace) == len(fresh) + 1


def file_of(array: Any) -> np.memmap[Any, Any] | None:
    """Return the mapped file that `array` lies in, None if it is in memory."""
    while array is not None and not isinstance(array, np.memmap):
        array = array.base if isinstance(array, np.ndarray) else None
    return array

"""Blocks: what is read ahead is what would have been read, and no control character is missed."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces import TraceBuilder
from viewer.model.blocks import BLOCK, Blocks, control_characters
from viewer.model.heads import PADDING
from viewer.model.reader import Reader
from viewer.model.source import FileSource
from viewer.model.store import TYPES, Codes
from viewer.model.trace import Trace


def big(path: Path, size: int = 3 * BLOCK) -> Path:
    """Write a trace of more than `size` bytes, with damage, blank lines and one very long line."""
    made = TraceBuilder()
    for n in range(size // 9000):
        made.add("note", "point", f"n{n % 300}", "session", text="x" * (8000 + n % 997))
        made.wait(1)
    made.add("note", "point", "long", "session", text="z" * (BLOCK + 5_000_000))
    lines = made.lines().split(b"\n")
    lines[100:100] = [b"", b"torn", b'{"v":1,\x01']
    lines[-50:-50] = [b"\0" * 20, b"torn again"]
    path.write_bytes(b"\n".join(lines))
    return path


def test_waiting_for_all_of_a_file_reads_the_same(tmp_path: Path) -> None:
    """A file of several blocks read in bulk gives the rows and damage of small steps."""
    path = big(tmp_path / "s.jsonl")
    bulk = Trace.open([path], cache=False)
    steps = Trace.open([path], wait=False, cache=False)
    while not steps.complete:
        steps.feed(0)
    assert len(bulk) == len(steps) > 2000
    for column in set(TYPES) - {"name"}:  # names are numbered in the order of their blocks
        assert np.array_equal(bulk.column(column), steps.column(column), equal_nan=True), column
    names = [[trace.codes.names[code] for code in trace.column("name")] for trace in (bulk, steps)]
    assert names[0] == names[1]
    assert [(d.line, d.offset, d.reason) for d in bulk.damage] == [
        (d.line, d.offset, d.reason) for d in steps.damage
    ]
    assert len(bulk.damage) == 3


def test_a_file_may_grow_while_it_is_read_in_bulk(tmp_path: Path) -> None:
    """What is appended behind a block that was read ahead is read after it, each line once."""
    path = big(tmp_path / "s.jsonl")
    reader = Reader(0, FileSource(path), Codes())
    rows = [reader.step()]
    more = TraceBuilder(2)
    for n in range(3):
        more.add("note", "point", f"more{n}", "session")
    with path.open("ab") as file:
        file.write(b"\n" + more.lines())
    while not reader.at_end:
        rows.append(reader.step())
    offsets = np.concatenate([found["offset"] for found in rows if found is not None])
    whole = Trace.open([path], cache=False).column("offset")
    assert np.array_equal(offsets, np.sort(whole))


def test_a_file_cut_off_under_a_block_read_ahead(tmp_path: Path) -> None:
    """A file that shrinks while it is read gives what it held, then what it holds, never raises."""
    path = big(tmp_path / "s.jsonl")
    source = FileSource(path)
    blocks = Blocks(source)
    first = blocks.read(0, BLOCK, path.stat().st_size)
    end = int(first.newlines[-1]) + 1
    os.truncate(path, end + 100)
    blocks.read_ahead(end, BLOCK)
    second = blocks.read(end, BLOCK, 100)
    assert (second.size, second.newlines.size) == (100, 0)


def test_an_error_of_reading_ahead_is_told_once_asked(tmp_path: Path) -> None:
    """An unreadable block raises where it is asked for, not in the helper; then reading goes on."""
    source = FileSource(big(tmp_path / "s.jsonl", 0))
    blocks = Blocks(source)
    blocks.read_ahead(-5, 100)
    with pytest.raises(OSError, match="Invalid argument"):
        blocks.read(0, 100, 100)
    assert blocks.read(0, 100, 100).size == 100


@given(st.lists(st.integers(0, 3000)), st.integers(0, 3000), st.integers(0, 255))
def test_control_characters_are_found(places: list[int], size: int, rest: int) -> None:
    """Every byte below 32 is found, and nothing of what lies behind the text."""
    text = np.full(3000 + PADDING, max(rest, 32), dtype=np.uint8)
    text[places] = np.arange(len(places)) % 32
    assert control_characters(text, size).tolist() == sorted({p for p in places if p < size})

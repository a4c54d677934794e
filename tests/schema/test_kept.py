"""One sample of each version of the format, kept for ever: what was recorded stays readable."""

from collections import Counter
from pathlib import Path

import pytest

from tracer.schema.events import VERSION
from tracer.schema.lines import parse
from viewer.model.trace import Trace

KEPT = Path(__file__).with_name("kept")
WHOLE = {1: {"session": 2, "process": 4, "operation": 12, "call": 20, "exchange": 40, "step": 15,
             "settings": 6}}  # fmt: skip
"""version -> how many lines of each kind its sample has."""


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_kept_sample_reads_without_damage(version: int) -> None:
    """Every line of it is an event, and the viewer opens it whole."""
    file = KEPT / f"v{version}.jsonl"
    events = [parse(line) for line in file.read_bytes().split(b"\n") if line]
    assert Counter(event.kind for event in events) == WHOLE[version]
    trace = Trace.open([file], cache=False)
    try:
        assert not trace.damage
        assert len(trace) == len(events)
        assert [trace.event(row).name for row in range(len(trace))].count("send") == 8
    finally:
        trace.close()

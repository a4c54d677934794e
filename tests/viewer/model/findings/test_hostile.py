"""Whatever a trace holds, the rules answer: wrong types, missing fields, foreign shapes."""

import copy
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.viewer.model.findings.test_rules import SAMPLES, found_in, made, opened
from tracer.schema.events import Event
from viewer.i18n import Catalogue
from viewer.model.findings.words import as_json, markdown
from viewer.model.why import as_json as why_json
from viewer.model.why import explain

ODD = st.one_of(
    st.none(),
    st.integers(-5, 10**12),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(max_size=9),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)

RESOLVED = ("ambiguous", "attribute-not-found", "resolution-refused", "query-blind")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside `value`."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += places(inner, (*path, number))
    return found


def put(data: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    """Return a copy of `data` with `odd` at `path`."""
    changed = copy.deepcopy(data)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd
    return changed


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_odd_values_never_raise(draw: st.DataObject) -> None:
    """A value of any type anywhere in the data of any event leaves findings that can be said."""
    rule = draw.draw(st.sampled_from(sorted(SAMPLES)))
    events: list[Event] = made(SAMPLES[rule][0])[:40]
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(events) - 1))
        data = events[at].data
        path = draw.draw(st.sampled_from(places(data)))
        try:
            events[at] = replace(events[at], data=put(data, path, draw.draw(ODD)))
        except (KeyError, IndexError, TypeError):
            continue
    say = Catalogue("findings", "fr")
    with tempfile.TemporaryDirectory() as folder:
        for finding in found_in(events, Path(folder)):
            assert markdown(finding, say)
            assert as_json(finding, say)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_explanations_survive_odd_values(draw: st.DataObject) -> None:
    """A resolution with a value of any type in it is still explained."""
    rule = draw.draw(st.sampled_from(RESOLVED))
    events = made(SAMPLES[rule][0])[:20]
    at = draw.draw(st.integers(0, len(events) - 1))
    path = draw.draw(st.sampled_from(places(events[at].data)))
    events[at] = replace(events[at], data=put(events[at].data, path, draw.draw(ODD)))
    with tempfile.TemporaryDirectory() as folder, opened(events, Path(folder)) as trace:
        assert why_json(explain(trace, "")) is not None

"""JSON that is decoded level by level is the same JSON, and its numbers are as written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces import TraceBuilder
from tests.viewer.tui.conftest import Opener, app_of, typed
from viewer.model.visible import _HIDDEN
from viewer.tui.detail import DetailView
from viewer.tui.handout import value_text
from viewer.tui.jsonvalue import ARRAYS, parse_exactly, read
from viewer.tui.options import Options

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def plain(value: Any) -> Any:
    """Return `value` decoded to its last leaf."""
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    return [plain(item) for item in value] if isinstance(value, ARRAYS) else value


@given(VALUES)
def test_level_by_level_is_the_same_as_at_once(value: Any) -> None:
    """Nothing is lost, and what is copied of a container reads back as the same."""
    text = json.dumps(value, ensure_ascii=False).encode()
    made = read(msgspec.Raw(text))
    assert plain(made) == parse_exactly(text)
    if isinstance(value, dict | list):
        assert json.loads(str(made)) == value


@pytest.mark.parametrize("text", [b'"\xff"', b'{"\xff":1}', b'["\xff"]'])
def test_bytes_that_are_no_text(text: bytes) -> None:
    """They are read as well as they can be; nothing is raised."""
    assert plain(read(msgspec.Raw(text))) == parse_exactly(text)


def test_what_is_hidden_is_not_printable() -> None:
    """`visible` looks for hidden characters only in what is not printable."""
    characters = map(chr, range(0x110000))
    assert not [c for c in characters if _HIDDEN.match(c) and c.isprintable()]


async def test_a_large_event_is_shown_without_decoding_all_of_it(
    opened: Opener, tmp_path: Path
) -> None:
    """A megabyte: its response unfolds, its numbers are exact."""
    items = [{"id": n, "text": "x" * 100, "price": 0.10} for n in range(8_000)]
    body = {"size": 10**6, "type": "application/json", "kept": "full", "json": {"items": items}}
    trace = TraceBuilder()
    for _ in range(3):
        trace.call("gmail.users.messages.list", "gmail", exchange={
            "response": {"status": 200, "reason": "OK", "headers": {}, "body": body},
        })  # fmt: skip
    path = trace.write(tmp_path / "large.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"price":0.1}', b'"price":0.10}'))
    async with opened(path, options=Options(tab="all")) as pilot:
        main = app_of(pilot).main
        main.go_to_row(int(main.state.trace.select(kinds=["exchange"])[1]))
        await typed(pilot, "full_stop", "full_stop")
        detail = main.detail
        at = _line(detail, "response.body.json.items")
        assert "[8,000]" in detail.page.at(at)[1].text
        for path_below in ("", "[0]"):  # in groups of 200, the first of them
            detail.go(_line(detail, f"response.body.json.items{path_below}"))
            detail.action_fold(True)
            detail.go(detail.cursor + 1)
            detail.action_fold(True)
        assert "price: 0.10" in _texts(detail)
        node = detail.page.at(_line(detail, "response.body.json.items[0]"))[1]
        assert value_text(node).endswith('"price":0.10}')


def _line(detail: DetailView, path: str) -> int:
    return next(n for n in range(detail.count()) if detail.page.at(n)[1].path == path)


def _texts(detail: DetailView) -> list[str]:
    return [detail.page.at(n)[1].text for n in range(detail.count())]

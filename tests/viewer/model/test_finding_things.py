"""The filter language and the search: what they find, what they say, what they refuse."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces import TraceBuilder
from viewer.i18n import LANGUAGES, Catalogue
from viewer.model import search as searching
from viewer.model.filter import FIELDS, FilterError, parse, to_flags
from viewer.model.filter_help import complete, sentence
from viewer.model.search import Search, SearchError, search
from viewer.model.sieve import Context, apply, apply_text
from viewer.model.trace import Trace


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    """A session with a failed send, a hang, a retry, and a text that JSON escapes."""
    made = TraceBuilder(7)
    result = {"account": "Dupond@masoc.example", "via": "env"}
    with made.operation("send", "gmail", status=1, result=result):
        made.step("env", "chosen", "x", candidate="dupond@masoc.example")
        made.wait(10)
        made.call(
            "gmail.users.messages.send", "gmail", status=403, ms=2500,
            exchange={"method": "POST", "url": "https://gmail.googleapis.com/x", "attempt": 2},
        )  # fmt: skip
    with made.operation("read mailbox", "gmail"):
        made.call("gmail.users.messages.list", "gmail", answered=False)
        made.call("directory.users.list", "directory", text='il dit "été" ⟨redacted key #a1 x⟩')
    return Trace.open([made.write(tmp_path / "s.jsonl")])


def named(trace: Trace, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[str]:
    """Return kind and name of rows, in a few letters."""
    heads = [trace.head(row) for row in rows.tolist()]
    return [f"{head.kind[:2]} {head.name.rpartition('.')[2]}" for head in heads]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("status>=400", ["ex com", "ca send"]),
        ("status:4xx kind:call", ["ca send"]),
        ("status!=403 kind:call", ["ca list"]),
        ("status:none kind:call", ["ca list"]),
        ("ms>2s", ["ex com", "ca send", "op send"]),
        ("ms<=100 kind:call", ["ca list"]),
        ("retry>1", ["ex com"]),
        ("is:retry", ["ex com"]),
        ("topic:directory,resolution", ["st env", "ex com", "ca list"]),
        ("topic!=gmail", ["st env", "ex com", "ca list"]),
        ("method:gmail.users.*", ["ex com", "ca send", "ca list", "ex com"]),
        ('name:"read mailbox"', ["op read mailbox"]),
        ("host:gmail.*  is:error", ["ex com", "ex com"]),
        ("url:googleapis.com/x", ["ex com"]),
        ("account:dupond", ["st env", "op send"]),
        ("account:*@masoc.example", ["st env", "op send"]),
        ("via:Env", ["st env", "op send"]),
        ("is:unanswered", ["ca list", "ex com"]),
        ("is:error not is:unanswered", ["ex com", "ca send", "op send"]),
        ("kind:operation or kind:step", ["st env", "op send", "op read mailbox"]),
        ("(kind:call or kind:exchange) topic:directory", ["ex com", "ca list"]),
        ('"été"', ["ca list"]),
        ("kind:call dit", ["ca list"]),
        ("until:+1s", ["st env"]),
        ("since:+2600ms kind:operation", ["op read mailbox"]),
        ("pid:8", []),
        ("pid:7 kind:operation", ["op send", "op read mailbox"]),
        ("id:0000000700000001", ["op send"]),
        ("op:0000000700000001 kind:call", ["ca send"]),
        ("finding:slow", ["ca send"]),
        ("is:marked", ["st env"]),
        ("file:s.jsonl kind:step", ["st env"]),
    ],
)
def test_filters(trace: Trace, text: str, wanted: list[str]) -> None:
    """Each field lets through what the manual says; the plain form does the same."""
    context = Context(
        marked=frozenset({trace.id_of(1)}), findings={"slow": frozenset({"0000000700000003"})}
    )
    node = parse(text)
    rows = apply(trace, node, context)
    assert named(trace, rows) == wanted
    assert parse(str(node)) == node
    assert apply(trace, parse(str(node)), context).tolist() == rows.tolist()
    opposite = apply(trace, parse(f"not ({text})"), context)
    assert sorted([*rows.tolist(), *opposite.tolist()]) == trace.shown().tolist()


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("foo:1", "unknown-field", 0),
        ("topic:auth status>", "no-value", 18),
        ("status>x", "bad-status", 7),
        ("(a", "unclosed", 0),
        ("a)", "unopened", 1),
        ("or b", "misplaced", 0),
        ('a "bc', "unclosed-quote", 2),
        ("since:xx", "bad-since", 6),
        ("not", "unfinished", 3),
        ("topic>3", "wrong-sign", 5),
        ("(" * 100 + "a", "too-deep", 60),
    ],
)
def test_errors_name_the_place(text: str, code: str, at: int) -> None:
    """What cannot be read says what and where, in both languages."""
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert error.code == code
    assert abs(error.at - at) <= 1
    for lang in LANGUAGES:
        texts = Catalogue("model", lang)
        assert texts.has(f"filter.{code}")
        assert "{" not in texts(f"filter.{code}", **error.args_of_text)


@given(st.text(alphabet=st.sampled_from('abst:=<>!" ()\\é*?,0123none or and not'), max_size=40))
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    """Parsing raises one error type; what parses comes back the same from its plain form."""
    try:
        node = parse(text)
    except FilterError as error:
        node, at = None, error.at
    else:
        at = 0
    assert 0 <= at <= len(text)
    assert node is None or parse(str(node)) == node


def test_sentences_and_flags() -> None:
    """A filter is echoed in words in both languages, and as flags for a shell."""
    node = parse('status>=400 (method:gmail.* or not account:dupond) "l\'été"')
    english, french = (sentence(node, Catalogue("model", lang)) for lang in ("en", "fr"))
    assert "status at least 400" in english
    assert "statut d’au moins 400" in french
    assert to_flags(node).startswith("--filter '")
    for field in FIELDS:
        if field != "is":
            for lang in LANGUAGES:
                assert field in {"since", "until"} or Catalogue("model", lang).has(
                    f"filter.field.{field}"
                )


def test_completion(trace: Trace) -> None:
    """Fields, then values of the trace are offered for the word before the cursor."""
    assert [c.text for c in complete("sta")] == ["status>"]
    assert [c.text for c in complete("topic:d", None, trace)] == ["directory"]
    found = complete("status>400 method:gm", None, trace)
    assert [c.text for c in found] == ["gmail.users.messages.list", "gmail.users.messages.send"]
    assert found[0].begin == len("status>400 method:")
    assert [c.text for c in complete("name:r", None, trace)] == ['"read mailbox"']
    assert complete('"sta') == []


@pytest.mark.parametrize("plain", [False, True], ids=["stringzilla", "standard-library"])
@pytest.mark.parametrize(
    ("needle", "wanted"),
    [
        ("dupond", ["st env", "op send"]),
        ("Dupond", ["op send"]),
        ("DUPOND", []),
        ('"été"', ["ca list"]),
        ("gmail.googleapis.com", ["ex com", "ex com", "ex com"]),
    ],
)
def test_search(
    trace: Trace, needle: str, wanted: list[str], plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text is found in every byte, as JSON escapes it too; a capital makes case count."""
    if plain:
        monkeypatch.setattr(searching, "stringzilla", None)
    found = search(trace, needle)
    assert named(trace, found.rows) == wanted
    assert sum(found.by_topic().values()) == len(wanted)
    assert found.done
    assert found.progress == 1


def test_regular_expressions(trace: Trace) -> None:
    """A pattern is searched line by line; one that is none is an error."""
    assert named(trace, search(trace, r'"status":4\d\d', regex=True).rows) == ["ex com", "ca send"]
    with pytest.raises(SearchError):
        search(trace, "(", regex=True)


def test_hits_in_redactions_are_known(trace: Trace) -> None:
    """A hit that is only in a sign for something redacted is told apart."""
    (row,) = search(trace, "key #a1").rows.tolist()
    assert search(trace, "key #a1").only_redacted(row)
    assert not search(trace, "dit").only_redacted(row)


def test_search_finds_what_grep_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over many slices, cut anywhere, the rows with a hit are those whose line holds it."""
    monkeypatch.setattr(searching, "_SLICE", 4096)
    made = TraceBuilder()
    for n in range(900):
        made.add("note", "point", f"n{n}", "session", text=f"needle-{n % 50} " + "x" * (n % 300))
        made.wait(1)
    data = made.lines().replace(b"\n\n", b"\nneedle-7 damaged\n", 3)
    (tmp_path / "s.jsonl").write_bytes(data)
    trace = Trace.open([tmp_path / "s.jsonl"])
    for needle in ("needle-7", "needle-49 ", "NEEDLE-7", "absent"):
        wanted = [r for r in range(len(trace)) if needle.encode() in trace.raw(r)]
        assert search(trace, needle).rows.tolist() == wanted
    running = Search(trace, "needle-3")
    assert running.step(0) is True  # it can be stopped any time


def test_filters_work_on_a_text_by_whole_files(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many candidates are searched in the bytes, few one by one: with the same result."""
    one_by_one = apply_text(trace, "gmail dit or 403").tolist()
    monkeypatch.setattr("viewer.model.sieve._FEW", 0)
    assert apply_text(trace, "gmail dit or 403").tolist() == one_by_one

"""What is remembered of headers and URLs is what the redaction says of them."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tracer.capture.memo import Memo
from tracer.capture.redact.redactor import Notes, Redactor

names = st.sampled_from(
    ["authorization", "Cookie", "cookie", "date", "location", "x-goog-api-key", "etag"]
)
values = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["Bearer ya29.abcdef-ghij", "https://u:p@h/?key=AIzaSyA1234567890", "x" * 600]),
)
pairs = st.sampled_from(
    ["a=b", "key=AIzaSyA12345678901234567890123456789012", "pageToken=~!!~abc", "q=from%3Ame", "x"]
)


@given(st.dictionaries(names, values, max_size=5))
def test_headers_are_kept_as_the_redaction_keeps_them(headers: dict[str, str]) -> None:
    """The first time and every time after: same values, same notes."""
    redactor = Redactor(b"k" * 16)
    memo = Memo(redactor)
    expected: Notes = []
    kept = redactor.headers(headers, expected, "request.headers")
    for _ in range(2):
        notes: Notes = []
        found = orjson.dumps(memo.headers(headers, notes, "request.headers"))
        assert orjson.loads(found) == kept
        assert notes == expected


@given(st.lists(pairs, max_size=4), st.booleans())
def test_urls_are_kept_as_the_redaction_keeps_them(query: list[str], fragment: bool) -> None:
    """Piece by piece or at once: the same URL, the same notes."""
    redactor = Redactor(b"k" * 16)
    memo = Memo(redactor)
    url = "https://gmail.googleapis.com/gmail/v1/users/me/messages"
    url += ("?" + "&".join(query) if query else "") + ("#access_token=ya29.x" if fragment else "")
    expected: Notes = []
    kept = redactor.url(url, expected, "url")
    for _ in range(2):
        notes: Notes = []
        assert memo.url(url, notes) == kept
        assert notes == expected


def test_notes_of_one_use_do_not_reach_another() -> None:
    """Who changes a list of notes changes his own."""
    memo = Memo(Redactor(b"k" * 16))
    first: Notes = []
    memo.url("https://h/p?key=AIzaSyA12345678901234567890123456789012", first)
    assert first
    first.clear()
    second: Notes = []
    memo.url("https://h/p?key=AIzaSyA12345678901234567890123456789012", second)
    assert second


def test_an_id_in_a_path_stays_and_the_rest_of_a_token_does_not() -> None:
    """What may pass as an id is still seen as a token's end by what stands before it."""
    memo = Memo(Redactor(b"k" * 16))
    plain = "https://gmail.googleapis.com/gmail/v1/users/me/messages/19d8ef74db000004?alt=json"
    assert memo.url(plain, []) == plain
    assert "abcdef0123456789" not in memo.url("https://h/x/1//abcdef0123456789?alt=json", [])
    assert "abcdef0123456789" not in memo.url("https://h/password:/abcdef0123456789?alt=json", [])

"""What the installed discovery documents say of a method."""

from typing import Any

import orjson
import pytest

from tracer.capture import discovery


@pytest.mark.parametrize(
    ("method_id", "url", "expected"),
    [
        (
            "gmail.users.messages.get",
            "https://gmail.googleapis.com/gmail/v1/users/a%40b.com/messages/12?alt=json&format=full",
            {"userId": "a@b.com", "id": "12", "format": "full"},
        ),
        (
            "directory.users.list",
            "http://127.0.0.1:1/admin/directory/v1/users?query=a+b&x=1&x=2&x=3",
            {"query": "a b", "x": ["1", "2", "3"]},
        ),
        (
            "gmail.users.messages.send",
            "https://gmail.googleapis.com/upload/gmail/v1/users/me/messages/send?uploadType=media",
            {"userId": "me", "uploadType": "media"},
        ),
        (
            "people.people.get",
            "https://people.googleapis.com/v1/people/c12?personFields=names",
            {"resourceName": "people/c12", "personFields": "names"},
        ),
        ("gmail.users.messages.get", "https://elsewhere/nothing/like/it/at/all/x", {}),
        ("gmail.users.messages.get", "", {}),
        ("no.such.method", "https://h/p?a=1", {"a": "1"}),
    ],
)
def test_parameters_are_read_off_the_url(
    method_id: str, url: str, expected: dict[str, Any]
) -> None:
    """By the path's template and the query; what does not fit gives nothing, never an error."""
    assert discovery.parameters(method_id, url) == expected


def test_a_method_has_its_verb_and_the_scopes_it_accepts() -> None:
    """Of directory methods too, whose document is called admin."""
    facts = discovery.method("directory.users.list")
    assert facts.http_method == "GET"
    assert facts.scopes is not None
    scopes = orjson.loads(orjson.dumps(facts.scopes))
    assert "https://www.googleapis.com/auth/admin.directory.user.readonly" in scopes


@pytest.mark.parametrize("method_id", ["", "unknown", "../x.y", "no.such.method", "gmail.none"])
def test_an_unknown_method_has_no_facts(method_id: str) -> None:
    """Nothing is read from outside of the documents' folder."""
    assert discovery.method(method_id).scopes is None

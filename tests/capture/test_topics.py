"""Under which tab calls and exchanges come."""

import pytest

from tracer.capture import topics


@pytest.mark.parametrize(
    ("method_id", "topic"),
    [
        ("gmail.users.messages.send", "gmail"),
        ("directory.users.list", "directory"),
        ("people.people.get", "contacts"),
        ("calendar.events.list", "calendar"),
        ("drive.files.list", "http"),
        ("", "http"),
    ],
)
def test_of_methods(method_id: str, topic: str) -> None:
    """By the API's name."""
    assert topics.of_method(method_id) == topic


@pytest.mark.parametrize(
    ("url", "topic"),
    [
        ("https://oauth2.googleapis.com/token", "auth"),
        ("http://127.0.0.1:80/token", "auth"),
        ("https://login.microsoftonline.com/x/oauth2/v2.0/token", "auth"),
        ("https://gmail.googleapis.com/gmail/v1/users/me/profile?x=/admin/directory", "gmail"),
        ("http://127.0.0.1:8080/upload/gmail/v1/users/me/messages/send", "gmail"),
        ("https://admin.googleapis.com/admin/directory/v1/users", "directory"),
        ("https://people.googleapis.com/v1/people/me/connections", "contacts"),
        ("https://www.googleapis.com/calendar/v3/calendars/primary/events", "calendar"),
        ("https://mail.example.com/EWS/Exchange.asmx", "ews"),
        ("https://graph.microsoft.com/v1.0/me", "http"),
        ("not a url", "http"),
        ("", "http"),
    ],
)
def test_of_urls(url: str, topic: str) -> None:
    """By host and path; the query does not count."""
    assert topics.of_url(url) == topic

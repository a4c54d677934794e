"""COM objects behind the recording stand-in, with a double in Outlook's shape."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.capture import Recording, recording
from tests.support.outlook import ComError, MailItem, Outlook
from tracer.capture.com_proxy import class_name, hresult, unwrap, wrap
from tracer.operation import operation


@pytest.fixture
def traced(clean_environment: Path) -> Iterator[Recording]:
    """Debug that is on."""
    with recording(attach=False) as running:
        yield running


def test_methods_are_calls_with_one_exchange(traced: Recording) -> None:
    """Members, nested objects and values set are recorded; what the mail says is not."""
    real = Outlook()
    outlook = wrap(real, traced.recorder)
    with operation("send", "mapi") as running:
        item = outlook.CreateItem(0)
        item.Subject = "Confidentiel"
        item.Body = "Bonjour"
        recipient = item.Recipients.Add("jean@masoc.com")
        assert recipient.Address == "jean@masoc.com"
        assert item.Recipients.ResolveAll() is True
        item.Send()
    assert [call["name"] for call in traced.calls()] == [
        "mapi.Outlook.CreateItem", "mapi.MailItem.Subject", "mapi.MailItem.Body",
        "mapi.Recipients.Add", "mapi.Recipients.ResolveAll", "mapi.MailItem.Send",
    ]  # fmt: skip
    assert {call["parent"] for call in traced.calls()} == {running.id}
    create, subject, *_ = traced.exchanges()
    assert create["name"] == "CreateItem"
    assert create["parent"] == traced.calls()[0]["id"]
    assert create["topic"] == "mapi"
    assert (create["status"], create["data"]["response"]["hresult"]) == (0, 0)
    assert create["data"]["request"]["args"] == {"0": 0}
    assert subject["data"]["request"]["args"] == {"0": "str of 12"}
    written = traced.path.read_bytes()
    assert b"Confidentiel" not in written
    assert b"Bonjour" not in written
    assert real.sent[0].Subject == "Confidentiel"


def test_a_failure_carries_its_hresult(traced: Recording) -> None:
    """Unsigned, as it is written in books; the exception is the host's own."""
    outlook = wrap(Outlook(), traced.recorder)
    with pytest.raises(ComError) as raised:
        outlook.Session.Logon("Nobody", "hunter2", False, True)
    assert raised.value.hresult < 0
    [exchange] = traced.exchanges()
    assert exchange["status"] == exchange["data"]["response"]["hresult"] == 0x80040111
    assert traced.calls()[0]["status"] == 0x80040111
    assert traced.calls()[0]["name"] == "mapi.Session.Logon"
    assert b"hunter2" not in traced.path.read_bytes()


def test_arguments_only_by_the_allow_list(traced: Recording) -> None:
    """A member can be allowed by its name, or by that of its class and its own."""
    outlook = wrap(Outlook(), traced.recorder, allow={"Session.GetDefaultFolder", "Item"})
    folder = outlook.Session.GetDefaultFolder(10)
    assert folder.Items.Count == 2
    assert folder.Items.Item(1).Email1Address == "anna@client.example"
    outlook.CreateItem(0)
    args = [each["data"]["request"]["args"] for each in traced.exchanges()]
    assert args == [{"0": 10}, {"0": 1}, {"0": "int"}]


class Dispatch:
    """A CDispatch: a name of its own, a default member, a type library, errors with details."""

    _oleobj_ = object()
    _username_ = "Outlook.Application"

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def __call__(self, number: int) -> str:
        return f"item {number}"

    def __getitem__(self, number: int) -> "Dispatch":
        return self

    def __setitem__(self, number: int, value: Any) -> None:
        self.taken.append(value)

    def __iter__(self) -> Iterator["Dispatch"]:
        return iter([self])

    def __len__(self) -> int:
        return 1

    def take(self, value: Any, *, name: Any = None) -> None:
        """Keep what was given."""
        self.taken += [value, name]

    @property
    def broken(self) -> str:
        """Fail as a property does."""
        error = ComError(0x80020009, "Exception occurred.")
        error.excepinfo = (0, "Outlook", "secret", None, 0, -2147221233)  # type: ignore[attr-defined]
        raise error


def test_a_dispatch_object_keeps_its_ways(traced: Recording) -> None:
    """Calling, indexing, iterating, comparing pass through; arguments arrive bare."""
    real = Dispatch()
    proxy = wrap(real, traced.recorder)
    assert proxy(3) == "item 3"
    assert unwrap(proxy[1]) is real
    assert [unwrap(one) for one in proxy] == [real]
    assert (len(proxy), bool(proxy), proxy == real, hash(proxy)) == (1, True, True, hash(real))
    assert (str(proxy), repr(proxy), dir(proxy)) == (str(real), repr(real), dir(real))
    proxy.take(proxy, name=proxy)
    proxy[2] = proxy
    assert real.taken == [real, real, real]
    assert all(type(one) is Dispatch for one in real.taken)
    assert traced.calls()[0]["name"] == "mapi.Application.Item"
    with pytest.raises(AttributeError):
        proxy.nothing  # noqa: B018 - looking it up is the point
    with pytest.raises(ComError):
        proxy.broken  # noqa: B018
    assert traced.calls()[-1]["status"] == 0x8004010F  # the more exact code, inside


def test_off_means_nothing_is_recorded(clean_environment: Path) -> None:
    """With debug off the stand-in only passes on."""
    with recording(attach=False, on=False) as running:
        outlook = wrap(Outlook(), running.recorder)
        item = outlook.CreateItem(0)
        item.Subject = "x"
        assert isinstance(unwrap(item), MailItem)
        assert not [e for e in running.events() if e["kind"] != "session"]


def test_names_and_codes() -> None:
    """The interface's name without underscore; errors of other kinds have no HRESULT."""

    class Info:
        def GetTypeInfo(self) -> Any:  # noqa: N802 - COM's name
            return self

        def GetDocumentation(self, _: int) -> tuple[str]:  # noqa: N802
            return ("_MailItem",)

    typed = type("Typed", (), {"_oleobj_": Info()})()
    assert class_name(typed) == "MailItem"
    assert class_name(MailItem(Outlook())) == "MailItem"
    assert hresult(ValueError("x")) is None
    assert hresult(ComError(0x80004005, "x")) == 0x80004005

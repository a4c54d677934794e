"""Which account an identity gets, asked of a Directory over HTTP; its cost, its cache."""

from collections.abc import Callable
from pathlib import Path

import pytest

from samples.sandbox import Sandbox, big_world, seed_world
from tests.protocol.gsuite.conftest import Layer, Listener
from tracer.protocol.errors import ServiceError, SettingsError
from tracer.protocol.gsuite.directory import query
from tracer.protocol.identity import Encoding, Identity, Rules
from tracer.protocol.settings import load
from tracer.protocol.steps import Reason, Rule, Verdict

DUPOND = "Dupond@soc-windows.com"
TEST = "test@divalto.com"
LIST = "directory.users.list"


def asked(box: Sandbox) -> list[str]:
    """Return the ids of the API methods called so far."""
    return [seen.method_id for seen in box.requests if seen.kind != "token"]


@pytest.mark.parametrize(
    ("identity", "account", "requests"),
    [
        (Identity("LESPETITSPAINS", "", DUPOND), "dupond@lespetitspains.com", 1),
        (Identity("LABRIOCHEDOREE", "", DUPOND), "dupond@labriochedoree.com", 1),
        (Identity("ERP215", "", TEST), "demo@diva-gs.com", 1),
        (Identity("", "", TEST), "test@diva-gs.com", 1),
        (Identity("ELSEWHERE", "", TEST), "test@diva-gs.com", 2),
        (Identity("ELSEWHERE", "CCOMPTA", TEST), "compta@masoc.com", 2),
        (Identity("ELSEWHERE", "NOBODY", TEST), "test@diva-gs.com", 3),
        (Identity("", "", "luc@SOC-windows.com "), "sansboite@masoc.com", 1),
    ],
)
def test_the_search_of_the_server_finds_the_account(
    layer: Layer, box: Sandbox, identity: Identity, account: str, requests: int
) -> None:
    """One request for each rule that has to be tried, and no more."""
    assert layer.resolve(identity).account == account
    assert asked(box) == [LIST] * requests


@pytest.mark.parametrize("encoding", Encoding)
def test_every_encoding_of_env_is_searched(encoding: Encoding, tmp_path: Path) -> None:
    """Env as env=account, as custom type, as a field an environment: found by one request."""
    with Sandbox(seed_world(encoding.value)) as box:
        flags = {
            "endpoint": box.url,
            "service_account_file": str(box.key_file(tmp_path / "key.json")),
            "directory_account": "admin@diva-gs.com",
            "attributes.encoding": encoding.value,
        }
        layer = Layer(load(environ={}, flags=flags))
        found = layer.resolve(Identity("LABRIOCHEDOREE", "", DUPOND))
        layer.close()
        assert (found.account, found.via) == ("dupond@labriochedoree.com", Rule.ENV)
        assert asked(box) == [LIST]


def test_a_directory_of_50000_is_asked_at_most_three_times(tmp_path: Path) -> None:
    """An indexed attribute is found in 50,000 users with three requests, the last rule's user."""
    with Sandbox(big_world()) as box:
        flags = {
            "endpoint": box.url,
            "service_account_file": str(box.key_file(tmp_path / "key.json")),
            "directory_account": "admin@diva-gs.com",
        }
        layer = Layer(load(environ={}, flags=flags))
        found = layer.resolve(Identity("ERP1", "NOBODY", "win49999@soc-windows.com"))
        layer.close()
        assert found.account == "user49999@big.example"
        assert asked(box) == [LIST] * 3


def test_nothing_found_is_believed_after_a_look_at_everybody(
    layer: Layer, box: Sandbox, listener: Listener
) -> None:
    """The search's index lags: a user it does not know yet is found by the full listing."""
    box.world.not_yet_searchable.add("test@diva-gs.com")
    found = layer.resolve(Identity("", "", TEST))
    assert found.account == "test@diva-gs.com"
    assert asked(box) == [LIST, LIST]
    (note,) = listener.of("note")
    assert note["name"] == "full listing"
    assert listener.end("resolve account")["cost"] == {"requests": 2, "users": len(box.world)}


def test_an_attribute_that_cannot_be_searched_is_read_from_everybody(
    layers: Callable[..., Layer], box: Sandbox, listener: Listener
) -> None:
    """The server refuses the query: no second one, everybody is read, and the trace says why."""
    box.world["accueil@masoc.com"].custom["Divalto X"] = {"DivaltoInfinityWinAccount": TEST}
    found = layers(**{"attributes.schema": "Divalto X"}).resolve(Identity("E", "H", TEST))
    assert found.account == "accueil@masoc.com"
    assert [seen.status for seen in box.requests if seen.method_id == LIST] == [400, 200]
    (note,) = listener.of("note")
    assert note["data"]["reason"] == "the server cannot search the attribute"


def test_the_full_listing_reads_every_page(layer: Layer, box: Sandbox) -> None:
    """More than 500 users: the last page's user is found."""
    for number in range(600):
        box.world.add(f"zz{number:03d}@diva-gs.com")
    box.world.grant("zz599@diva-gs.com", "late@divalto.com")
    box.world.not_yet_searchable.add("zz599@diva-gs.com")
    assert layer.resolve(Identity("", "", "late@divalto.com")).account == "zz599@diva-gs.com"
    assert asked(box) == [LIST] * 3


def test_what_the_search_finds_is_verified(layer: Layer, box: Sandbox) -> None:
    """The server finds by words; a value that only contains them is no match."""
    box.world.grant("accueil@masoc.com", "not.test@divalto.com.fr")
    box.world["test@diva-gs.com"].custom.clear()
    assert layer.resolve(Identity("", "", TEST)).account is None


def test_the_first_of_several_is_the_first_by_address(layer: Layer, box: Sandbox) -> None:
    """Two users that fit: the listing is ordered, so the choice is the same every day."""
    box.world.grant("accueil@masoc.com", TEST)
    found = layer.resolve(Identity("", "", TEST))
    assert (found.account, found.ambiguous) == ("accueil@masoc.com", ("test@diva-gs.com",))


@pytest.mark.parametrize(
    ("configured", "identity", "account", "reason"),
    [
        ("accueil@masoc.com", Identity("", "", "any@x.fr"), "accueil@masoc.com", Reason.CHOSEN),
        ("J.Dupond@masoc.com", Identity("", "", DUPOND), "dupond@masoc.com", Reason.CHOSEN),
        ("dupond@masoc.com", Identity("", "", "any@x.fr"), None, Reason.NOT_ADMITTED),
        ("nobody@masoc.com", Identity("", "", DUPOND), None, Reason.CONFIGURED_NOT_FOUND),
        ("ancien@masoc.com", Identity("", "", "ancien@soc-windows.com"), None, Reason.SUSPENDED),
    ],
)
def test_a_configured_account_costs_one_request(
    layers: Callable[..., Layer],
    box: Sandbox,
    configured: str,
    identity: Identity,
    account: str | None,
    reason: Reason,
) -> None:
    """The configured account is looked up alone, by address or alias, and judged."""
    found = layers(account=configured).resolve(identity)
    assert (found.account, found.reason) == (account, reason)
    assert asked(box) == ["directory.users.get"]


def test_the_operation_states_who_why_and_from_where(layer: Layer, listener: Listener) -> None:
    """Identity, settings in force, each step, and the result are stated in one operation."""
    identity = Identity("ERP215", "", TEST)
    layer.resolve(identity)
    (start,) = listener.of("operation", "start")
    assert (start["name"], start["topic"]) == ("resolve account", "resolution")
    assert start["data"] == {"identity": identity.data()}
    (settings,) = listener.of("settings")
    assert settings["data"]["values"]["directory_account"]["origin"] == "flag"
    assert listener.steps() == [("env", "granted", "matched"), ("outcome", "chosen", "chosen")]
    end = listener.end("resolve account")
    assert (end["account"], end["via"], end["status"]) == ("demo@diva-gs.com", "env", 0)


def test_a_resolution_is_remembered_until_its_expiry(
    layer: Layer, box: Sandbox, listener: Listener
) -> None:
    """The second time comes from the cache and says until when; after that it is asked again."""
    now = 1_795_000_000_000_000_000
    layer.accounts._clock = lambda: now
    identity = Identity("", "", TEST)
    first = layer.resolve(identity)
    assert layer.resolve(identity) is first
    assert asked(box) == [LIST]
    (note,) = listener.of("note")
    assert (note["name"], note["data"]["expires"]) == ("from cache", "2026-11-18T11:16:40.000000Z")
    cached = listener.of("step")[-1]["data"]["reason"]
    assert cached["args"]["cached_until"] == "2026-11-18T11:16:40.000000Z"
    layer.resolve(Identity("ERP215", "", TEST))
    assert asked(box) == [LIST] * 2
    now += 601_000_000_000
    layer.resolve(identity)
    assert asked(box) == [LIST] * 3


def test_a_refusal_is_remembered_for_a_minute_at_most(layer: Layer, box: Sandbox) -> None:
    """Not asked again at once, but soon: the administrator may have granted it meanwhile."""
    now = 0
    layer.accounts._clock = lambda: now
    identity = Identity("", "", "new@soc-windows.com")
    assert layer.resolve(identity).account is None
    box.world.grant("accueil@masoc.com", "new@soc-windows.com")
    assert layer.resolve(identity).account is None
    now = 61_000_000_000
    assert layer.resolve(identity).account == "accueil@masoc.com"


def test_a_directory_that_refuses_is_no_resolution(layers: Callable[..., Layer]) -> None:
    """A subject without rights: an error with the remedy, never an unchecked account."""
    layer = layers(directory_account="test@diva-gs.com", account="accueil@masoc.com")
    with pytest.raises(ServiceError, match="Not Authorized") as caught:
        layer.resolve(Identity("", "", TEST))
    assert "directory_account" in caught.value.remedy


def test_without_an_administrator_the_setting_is_named(layers: Callable[..., Layer]) -> None:
    """Nobody to read the Directory as: the settings error says what to set."""
    with pytest.raises(SettingsError, match="directory_account is not set"):
        layers(directory_account="").resolve(Identity("", "", TEST))


@pytest.mark.parametrize(
    ("account", "text"),
    [
        (r"SOC\o'brien", r"Divalto.DivaltoInfinityWinAccount:'SOC\\o\'brien'"),
        (" a b@c ", "Divalto.DivaltoInfinityWinAccount:'a b@c'"),
    ],
)
def test_the_query_is_escaped(account: str, text: str) -> None:
    """Quotes, backslashes and spaces of an account cannot change the question."""
    assert query(Rule.ACCOUNT, Identity("", "", account), Rules()) == text


def test_odd_accounts_reach_the_server_as_they_are(layer: Layer, box: Sandbox) -> None:
    """An account with quote and backslash is found by the server's search."""
    box.world.grant("accueil@masoc.com", r"SOC\o'brien")
    found = layer.resolve(Identity("", "", r"soc\O'Brien"))
    assert (found.account, found.verdict) == ("accueil@masoc.com", Verdict.CHOSEN)
    assert asked(box) == [LIST]

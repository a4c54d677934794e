"""The check: each condition on its own, with its reason and remedy."""

import re
from collections.abc import Callable
from pathlib import Path

import httplib2
import pytest

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Listener
from tracer.protocol.gsuite.check import Condition, Outcome, Report, check
from tracer.protocol.settings import Settings

AUTH = "https://www.googleapis.com/auth/"
TEST = {"account": "test@diva-gs.com", "windows_account": "test@divalto.com"}


def outcomes(report: Report) -> dict[str, str]:
    """Return condition -> outcome."""
    return {one.name.removeprefix(f"token {AUTH}"): one.outcome.value for one in report.conditions}


def of(report: Report, name: str) -> Condition:
    """Return the condition called `name`."""
    return next(one for one in report.conditions if one.name.endswith(name))


GREEN = {
    "key file": "pass",
    "clock": "pass",
    "gmail.modify": "pass",
    "admin.directory.user.readonly": "pass",
    "admin.directory.userschema.readonly": "pass",
    "delegation": "pass",
    "Directory": "pass",
    "attributes": "pass",
    "account": "pass",
    "mailbox": "pass",
}


def test_all_is_well(settings: Callable[..., Settings], box: Sandbox, listener: Listener) -> None:
    """Everything passes; the link holds client id and scopes; the operation says it all."""
    report = check(settings(**TEST), httplib2.Http)
    assert outcomes(report) == GREEN
    assert report.ready
    assert f"clientIdToAdd={box.world.service_account.client_id}" in report.delegation_link
    assert f"{AUTH}gmail.modify,{AUTH}admin.directory.user.readonly" in report.delegation_link
    assert listener.end("check")["ready"] is True
    kinds = [seen.kind for seen in box.requests if seen.method_id == "oauth2.token"]
    assert len(kinds) == 3


def test_a_scope_that_is_not_delegated_is_named_alone(
    settings: Callable[..., Settings], box: Sandbox
) -> None:
    """One by one: the missing scope fails, the others pass, what needs it is unknown."""
    box.world.service_account.delegated.discard(AUTH + "gmail.modify")
    report = check(settings(**TEST), httplib2.Http)
    assert outcomes(report) == GREEN | {
        "gmail.modify": "fail",
        "delegation": "fail",
        "mailbox": "unknown",
    }
    assert of(report, "delegation").detail == f"not delegated: {AUTH}gmail.modify"
    assert not report.ready


def test_no_delegation_at_all(settings: Callable[..., Settings], box: Sandbox) -> None:
    """Nothing delegated: said once, with the link to repair it."""
    box.world.service_account.delegated.clear()
    report = check(settings(**TEST), httplib2.Http)
    assert of(report, "delegation").detail == "not delegated: every scope"
    assert "link" in of(report, "delegation").remedy
    assert outcomes(report)["Directory"] == "unknown"


def test_the_scopes_of_the_settings_are_those_that_are_tried(
    settings: Callable[..., Settings],
) -> None:
    """A customer's own list is tested as it is, scope by scope."""
    scopes = f"https://mail.google.com/,{AUTH}admin.directory.user.readonly,{AUTH}drive"
    report = check(settings(scopes=scopes, **TEST), httplib2.Http)
    found = outcomes(report)
    assert found["token https://mail.google.com/"] == "pass"
    assert found["drive"] == "fail"
    assert (found["mailbox"], found["attributes"]) == ("pass", "unknown")


@pytest.mark.parametrize(
    ("fault", "options", "condition", "text"),
    [
        ("skewed-clock", {"seconds": -600}, "clock", r"60[012] s ahead"),
        ("skewed-clock", {"seconds": 900}, "clock", r"(89[89]|900) s behind"),
        ("bad-signature", {"times": 0}, "gmail.modify", "the key was deleted"),
        ("sa-deleted", {"times": 0}, "gmail.modify", "service account itself"),
        ("access-denied", {"times": 0}, "gmail.modify", "policy"),
        ("not-admin", {"times": 0}, "Directory", "may not read the Directory"),
        ("api-off", {"times": 0, "match": "directory.*"}, "Directory", "API is off"),
        ("no-mailbox", {"times": 0}, "mailbox", "no Gmail mailbox"),
    ],
)
def test_each_cause_fails_its_own_condition(
    settings: Callable[..., Settings],
    box: Sandbox,
    fault: str,
    options: dict[str, int],
    condition: str,
    text: str,
) -> None:
    """The condition that fails first names the cause and what to do."""
    box.fault(fault, **options)  # type: ignore[arg-type]
    found = of(check(settings(**TEST), httplib2.Http), condition)
    assert found.outcome is Outcome.FAIL
    assert re.search(text, found.detail)
    assert found.remedy


def test_a_schema_that_lacks_an_attribute_or_its_index(
    settings: Callable[..., Settings], box: Sandbox
) -> None:
    """Missing and not indexed attributes are named; the remedy is the command that repairs it."""
    fields = box.world.schemas["Divalto"]["fields"]
    fields[:] = [field for field in fields if not field["fieldName"].endswith("User")]
    fields[0]["indexed"] = False
    found = of(check(settings(**TEST), httplib2.Http), "attributes")
    assert found.detail == (
        "missing: DivaltoInfinityWinAccountUser; not indexed: DivaltoInfinityWinAccount"
    )
    assert "attributes create" in found.remedy


def test_an_account_that_refuses_the_identity(settings: Callable[..., Settings]) -> None:
    """The account condition is the resolution's own verdict."""
    flags = {"account": "dupond@masoc.com", "windows_account": "intrus@x.fr"}
    found = of(check(settings(**flags), httplib2.Http), "account")
    assert found.outcome is Outcome.FAIL
    assert "may not use" in found.detail


def test_without_anybody_the_account_is_unknown_and_its_mailbox_is_looked_at(
    settings: Callable[..., Settings],
) -> None:
    """Nobody acts: the protection cannot be judged, the configured mailbox can."""
    report = check(settings(account="accueil@masoc.com"), httplib2.Http)
    assert outcomes(report) == GREEN | {"account": "unknown"}
    assert report.ready


def test_without_a_key_nothing_else_is_looked_at(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """No usable key file: one failure, no link, no traffic."""
    report = check(settings(service_account_file=str(tmp_path / "none.json")), httplib2.Http)
    assert outcomes(report) == {"key file": "fail"}
    assert (report.delegation_link, report.ready) == ("", False)


def test_a_dead_endpoint_is_unknown_clock_and_failed_tokens(
    settings: Callable[..., Settings],
) -> None:
    """Nobody answers: no exception, and every token names the network."""
    report = check(settings(endpoint="http://127.0.0.1:9", **TEST), httplib2.Http)
    found = outcomes(report)
    assert (found["clock"], found["gmail.modify"], found["delegation"]) == (
        "unknown",
        "fail",
        "unknown",
    )
    assert "endpoint" in of(report, "gmail.modify").remedy

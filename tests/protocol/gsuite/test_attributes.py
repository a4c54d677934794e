"""The attributes in the Directory: created once, granted, revoked, shown; dry unless applied."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Layer
from tracer.protocol.errors import RefusedError, SettingsError
from tracer.protocol.gsuite.attributes import Attributes, may_use
from tracer.protocol.identity import Encoding, Identity
from tracer.protocol.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator

Work = Callable[..., AbstractContextManager[Attributes]]


@pytest.fixture
def work(layers: Callable[..., Layer]) -> Work:
    """Return what opens the attributes for one operation."""

    @contextmanager
    def start(*, apply: bool, **flags: str) -> "Iterator[Attributes]":
        layer = layers(**flags)
        with running("attributes", "directory", layer.settings) as op:
            yield Attributes(layer.google, op, apply=apply)

    return start


def writes(box: Sandbox) -> list[str]:
    """Return the ids of the calls that changed something."""
    return [seen.method_id for seen in box.requests if seen.method in {"PUT", "PATCH", "POST"}
            and seen.kind != "token"]  # fmt: skip


def test_create_makes_what_the_search_needs(work: Work, box: Sandbox) -> None:
    """All three attributes, indexed and multi-valued; a dry run changes nothing; twice is once."""
    box.world.schemas.clear()
    with work(apply=False) as attributes:
        (would,) = attributes.create()
    assert not would.applied
    assert writes(box) == []
    with work(apply=True) as attributes:
        (done,) = attributes.create()
        assert attributes.create() == []
    assert done.applied
    assert writes(box) == ["directory.schemas.insert"]
    fields = box.world.schemas["Divalto"]["fields"]
    assert [field["fieldName"] for field in fields] == [
        "DivaltoInfinityWinAccountEnv",
        "DivaltoInfinityWinAccountUser",
        "DivaltoInfinityWinAccount",
    ]
    assert all(field["indexed"] and field["multiValued"] for field in fields)


def test_create_completes_a_schema_that_is_there(work: Work, box: Sandbox) -> None:
    """A missing attribute is added, one without index gets it, foreign fields stay."""
    fields = box.world.schemas["Divalto"]["fields"]
    fields[:] = [field for field in fields if not field["fieldName"].endswith("User")]
    fields[0]["indexed"] = False
    box.world.define_field("Matricule", multiValued=False)
    with work(apply=True) as attributes:
        changes = attributes.create()
    assert [one.what for one in changes] == [
        "add DivaltoInfinityWinAccountUser to Divalto",
        "make DivaltoInfinityWinAccount indexed and multi-valued",
    ]
    by_name = {field["fieldName"]: field for field in box.world.schemas["Divalto"]["fields"]}
    assert by_name["DivaltoInfinityWinAccount"]["indexed"]
    assert by_name["DivaltoInfinityWinAccountUser"]["multiValued"]
    assert by_name["Matricule"]["multiValued"] is False


def test_a_schema_made_meanwhile_is_no_error(
    work: Work, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409, because somebody was faster: what is there by then is completed."""
    real, looks = Attributes._schema, []

    def late(self: Attributes) -> object:
        looks.append(1)
        return None if len(looks) == 1 else real(self)

    monkeypatch.setattr(Attributes, "_schema", late)
    with work(apply=True) as attributes:
        assert attributes.create() == []
    assert 409 in [seen.status for seen in box.requests]


@pytest.mark.parametrize("encoding", Encoding)
def test_a_grant_is_what_the_resolution_finds(
    work: Work, layers: Callable[..., Layer], box: Sandbox, encoding: Encoding
) -> None:
    """In every encoding: granted, found by the search, shown; revoked, found no more."""
    flags = {"attributes.encoding": encoding.value}
    identity = Identity("LABOUTIQUE", "", "durand@soc-windows.com")
    with work(apply=True, **flags) as attributes:
        attributes.create(("LABOUTIQUE",) if encoding == Encoding.FIELD else ())
        (done,) = attributes.grant("accueil@masoc.com", identity)
        assert attributes.grant("accueil@masoc.com", identity) == []
        shown = {user.primary: may_use(user) for user in attributes.show()}
    assert done.applied
    assert ("env", "LABOUTIQUE: durand@soc-windows.com") in [
        (rule.value, value.replace("laboutique", "LABOUTIQUE"))
        for rule, value in shown["accueil@masoc.com"]
    ]
    found = layers(**flags).resolve(identity)
    assert (found.account, found.via) == ("accueil@masoc.com", "env")
    with work(apply=True, **flags) as attributes:
        (undone,) = attributes.revoke("accueil@masoc.com", identity)
        assert attributes.revoke("accueil@masoc.com", identity) == []
    assert "everybody may then use the account" in undone.what
    assert layers(**flags).resolve(identity).account is None


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (Identity("", "CCHEF", ""), "DivaltoInfinityWinAccountUser"),
        (Identity("", "", "chef@soc-windows.com"), "DivaltoInfinityWinAccount"),
    ],
)
def test_the_other_attributes_are_granted_alike(
    work: Work, box: Sandbox, identity: Identity, name: str
) -> None:
    """A Harmony user goes into User, a Windows account without environment into Account."""
    with work(apply=True) as attributes:
        attributes.grant("accueil@masoc.com", identity)
    (values,) = box.world["accueil@masoc.com"].custom["Divalto"].items()
    assert values[0] == name


def test_a_grant_keeps_the_other_values(work: Work, box: Sandbox) -> None:
    """The list of an account grows and shrinks by one value, found in any case."""
    with work(apply=True) as attributes:
        attributes.grant("dupond@masoc.com", Identity("", "", "new@x.fr"))
        attributes.revoke("dupond@masoc.com", Identity("", "", "DUPOND@soc-windows.FR"))
    values = box.world["dupond@masoc.com"].custom["Divalto"]["DivaltoInfinityWinAccount"]
    assert [one["value"] for one in values] == [
        "Dupond@soc-windows.com",
        "Dupond@soc-windows.eu",
        "new@x.fr",
    ]


def test_a_dry_run_says_what_it_would_do(work: Work, box: Sandbox) -> None:
    """Without apply nothing is written."""
    with work(apply=False) as attributes:
        (would,) = attributes.grant("accueil@masoc.com", Identity("E", "", "a@x.fr"))
    assert would.what == "grant accueil@masoc.com to E=a@x.fr (DivaltoInfinityWinAccountEnv)"
    assert writes(box) == []


def test_wrong_words_are_refused(work: Work) -> None:
    """No such user, nobody to grant to, an environment that the encoding cannot hold."""
    with (
        pytest.raises(RefusedError, match=r"no Google user x@masoc\.com"),
        work(apply=True) as attributes,
    ):
        attributes.grant("x@masoc.com", Identity("", "", "a@x.fr"))
    with pytest.raises(SettingsError, match="whom"), work(apply=True) as attributes:
        attributes.grant("accueil@masoc.com", Identity("E", "", ""))
    with pytest.raises(SettingsError, match="separator"), work(apply=True) as attributes:
        attributes.grant("accueil@masoc.com", Identity("A=B", "", "a@x.fr"))

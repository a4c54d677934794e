"""The resolution table of the seed page, and what must hold for any directory."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol.resolution import (
    Encoding,
    EnvEntry,
    Identity,
    Reason,
    Resolution,
    Rule,
    Rules,
    User,
    Verdict,
    fold,
    resolve,
)

RULES = Rules()
DUPOND = "Dupond@soc-windows.com"
TEST = "test@divalto.com"


def user(primary: str, *, rules: Rules = RULES, **more: Any) -> User:
    """Return a user as the Directory would give it; env, users, accounts are attribute values."""
    fields = {
        name: more.pop(key)
        for key, name in (("env", rules.env), ("users", rules.user), ("accounts", rules.account))
        if key in more
    }
    item = {"primaryEmail": primary, "customSchemas": {rules.schema: fields}, **more}
    return User.from_directory(item, rules)


def many(*values: str) -> list[dict[str, str]]:
    """Return a multi-valued field."""
    return [{"value": value, "type": "work"} for value in values]


SEED = [
    user("test@diva-gs.com", accounts=many(TEST)),
    user("demo@diva-gs.com", env=many(f"ERP215={TEST}")),
    user(
        "dupond@masoc.com",
        accounts=many("Dupond@soc-windows.com", "Dupond@soc-windows.fr", "Dupond@soc-windows.eu"),
        aliases=["direction@masoc.com"],
    ),
    user("accueil@masoc.com"),
    user("dupond@lespetitspains.com", env=many(f"LESPETITSPAINS={DUPOND}")),
    user("dupond@labriochedoree.com", env=many(f"LABRIOCHEDOREE={DUPOND}")),
    user("compta@masoc.com", users=many("COMPTA")),
    user("parti@masoc.com", accounts=many("parti@soc-windows.com"), suspended=True),
    user("ancien@masoc.com", accounts=many("ancien@soc-windows.com"), archived=True),
]

FR, EU = "dupond@soc-windows.fr", "DUPOND@soc-windows.eu"

TABLE = [
    # what, environment, Harmony user, Windows account, configured, account, via, outcome
    ("default account", "", "", TEST, "", "test@diva-gs.com", "account", "chosen"),
    ("env goes first", "ERP215", "", TEST, "", "demo@diva-gs.com", "env", "chosen"),
    ("other env: default", "ERP1", "", TEST, "", "test@diva-gs.com", "account", "chosen"),
    ("first of two firms", "LESPETITSPAINS", "", DUPOND, "", "dupond@lespetitspains.com", "env",
     "chosen"),
    ("second of two firms", "LABRIOCHEDOREE", "", DUPOND, "", "dupond@labriochedoree.com", "env",
     "chosen"),
    ("no env: by account", "", "", DUPOND, "", "dupond@masoc.com", "account", "chosen"),
    ("Harmony user", "", "COMPTA", DUPOND, "", "compta@masoc.com", "user", "chosen"),
    ("env beats Harmony user", "ERP215", "COMPTA", TEST, "", "demo@diva-gs.com", "env", "chosen"),
    ("Harmony user beats account", "X", "COMPTA", TEST, "", "compta@masoc.com", "user", "chosen"),
    ("list of accounts", "", "", FR, "", "dupond@masoc.com", "account", "chosen"),
    ("case and space differ", " erp215 ", "", "TEST@Divalto.com ", "", "demo@diva-gs.com", "env",
     "chosen"),
    ("configured, unprotected", "", "", "x@y", "accueil@masoc.com", "accueil@masoc.com",
     "configured", "chosen"),
    ("configured, protected, admitted", "", "", EU, "dupond@masoc.com", "dupond@masoc.com",
     "configured", "chosen"),
    ("configured by alias", "", "", EU, "Direction@masoc.com", "dupond@masoc.com", "configured",
     "chosen"),
    ("configured by env", "ERP215", "", TEST, "demo@diva-gs.com", "demo@diva-gs.com", "configured",
     "chosen"),
    ("configured by Harmony user", "", "compta", "", "compta@masoc.com", "compta@masoc.com",
     "configured", "chosen"),
    ("configured, foreign account", "", "", "Durand@soc-windows.com", "dupond@masoc.com", None,
     None, "not-admitted"),
    ("configured, other env", "ERP1", "", TEST, "demo@diva-gs.com", None, None, "not-admitted"),
    ("configured wins over a match", "ERP215", "", TEST, "accueil@masoc.com", "accueil@masoc.com",
     "configured", "chosen"),
    ("configured, suspended", "", "", "parti@soc-windows.com", "parti@masoc.com", None, None,
     "suspended"),
    ("configured, archived", "", "", "ancien@soc-windows.com", "ancien@masoc.com", None, None,
     "archived"),
    ("configured, unknown", "", "", TEST, "nobody@masoc.com", None, None, "configured-not-found"),
    ("suspended never wins", "", "", "parti@soc-windows.com", "", None, None, "nothing-found"),
    ("archived never wins", "", "", "ancien@soc-windows.com", "", None, None, "nothing-found"),
    ("nothing found", "ERP1", "NOBODY", "Durand@soc-windows.com", "", None, None, "nothing-found"),
    ("empty identity", "", "", "", "", None, None, "nothing-found"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "harmony_user", "windows", "configured", "account", "via", "outcome"),
    [pytest.param(*row[1:], id=row[0]) for row in TABLE],
)
def test_the_table_of_the_seed_page(
    environment: str,
    harmony_user: str,
    windows: str,
    configured: str,
    account: str | None,
    via: str | None,
    outcome: str,
) -> None:
    """Every rule, priority, list, environment and protection gives the account the page says."""
    identity = Identity(environment, harmony_user, windows)
    found = resolve(identity, configured or None, RULES, SEED)
    assert (found.account, found.via, found.reason.value) == (account, via, outcome)
    assert found.steps[-1].rule == Rule.OUTCOME
    assert [step.n for step in found.steps] == list(range(1, len(found.steps) + 1))


def step_of(found: Resolution, code: Reason) -> dict[str, Any]:
    """Return the data of the only step with this reason."""
    (step,) = (step for step in found.steps if step.code == code)
    return {"rule": step.rule.value, **step.data()}


def test_a_step_says_all_that_the_format_asks() -> None:
    """The data of a step is exactly FORMAT.md's."""
    found = resolve(Identity("ERP215", "", TEST), None, RULES, SEED)
    assert found.steps[0].data() == {
        "n": 1,
        "attribute": "DivaltoInfinityWinAccountEnv",
        "candidate": "demo@diva-gs.com",
        "compared": {
            "wanted": TEST,
            "found": [TEST],
            "environment": {"wanted": "ERP215", "found": ["ERP215"]},
        },
        "verdict": "granted",
        "reason": {"code": "matched", "args": {}},
        "source": [],
    }
    assert found.steps[1].data()["reason"] == {
        "code": "chosen",
        "args": {"via": "env", "others": 0},
    }


def test_the_first_found_wins_and_the_others_are_recorded() -> None:
    """Several users that fit: the first in listing order is taken, the rest is the ambiguity."""
    users = [user(f"u{n}@x.fr", accounts=many(TEST)) for n in range(3)]
    found = resolve(Identity("", "", TEST), None, RULES, users)
    assert found.account == "u0@x.fr"
    assert found.ambiguous == ("u1@x.fr", "u2@x.fr")
    verdicts = [step.verdict for step in found.steps if step.code == Reason.ALSO_MATCHES]
    assert verdicts == [Verdict.AMBIGUOUS] * 2
    assert found.steps[-1].args["others"] == 2


def test_ten_thousand_matches_do_not_make_ten_thousand_steps() -> None:
    """The number of steps is bounded whatever the directory holds; the counts are not."""
    users = [user(f"u{n}@x.fr", accounts=many(TEST)) for n in range(1000)]
    near = [user(f"n{n}@x.fr", env=many(f"E{n}={TEST}")) for n in range(1000)]
    found = resolve(Identity("ERP215", "", TEST), None, RULES, users + near)
    assert len(found.steps) < 30
    assert len(found.ambiguous) == 999
    (none,) = (step for step in found.steps if step.code == Reason.NO_MATCH)
    assert none.args == {"users": 2000, "near": 990}


def test_a_suspended_first_match_lets_the_next_one_win() -> None:
    """A suspended user that fits is named, and the next one is taken without ambiguity."""
    users = [
        user("gone@x.fr", accounts=many(TEST), suspended=True),
        user("here@x.fr", accounts=many(TEST)),
    ]
    found = resolve(Identity("", "", TEST), None, RULES, users)
    assert (found.account, found.ambiguous) == ("here@x.fr", ())
    assert step_of(found, Reason.SUSPENDED)["candidate"] == "gone@x.fr"


def test_a_folded_comparison_says_so() -> None:
    """A match that differs in case or surrounding space is marked as folded."""
    found = resolve(Identity("", "", " TEST@divalto.com"), None, RULES, SEED)
    assert step_of(found, Reason.MATCHED)["compared"]["folded"] is True


def test_another_environment_is_named() -> None:
    """The right Windows account under another environment is a near miss with both names."""
    found = resolve(Identity("ERP999", "", TEST), None, RULES, SEED)
    near = step_of(found, Reason.OTHER_ENVIRONMENT)
    assert near["candidate"] == "demo@diva-gs.com"
    assert near["compared"]["environment"] == {"wanted": "ERP999", "found": ["ERP215"]}


@pytest.mark.parametrize(
    ("wanted", "found"), [(r"DIVALTO\test", "test@divalto.com"), ("test@x.fr", r"x\TEST")]
)
def test_the_other_notation_is_hinted_at_but_not_equal(wanted: str, found: str) -> None:
    r"""DOMAIN\user and user@domain never match; the step says what it looks like."""
    users = [user("u@x.fr", accounts=many(found))]
    result = resolve(Identity("", "", wanted), None, RULES, users)
    assert result.account is None
    assert step_of(result, Reason.OTHER_NOTATION)["candidate"] == "u@x.fr"


def test_a_refusal_names_what_the_account_carries() -> None:
    """Refused: each attribute with its values, then the refusal with the attributes' names."""
    found = resolve(Identity("", "", "Durand@x.fr"), "dupond@masoc.com", RULES, SEED)
    assert found.verdict == Verdict.REFUSED
    values = step_of(found, Reason.NOT_EQUAL)["compared"]["found"]
    assert values == ["Dupond@soc-windows.com", "Dupond@soc-windows.fr", "Dupond@soc-windows.eu"]
    assert found.steps[-1].args == {"attributes": ["DivaltoInfinityWinAccount"]}


def test_an_env_entry_without_environment_protects_and_admits_nobody() -> None:
    """An entry that lacks the separator is not a grant; the step says which separator it lacks."""
    users = [user("u@x.fr", env=many(TEST))]
    for configured in (None, "u@x.fr"):
        found = resolve(Identity("ERP215", "", TEST), configured, RULES, users)
        assert found.account is None
        assert step_of(found, Reason.NO_ENVIRONMENT)["reason"]["args"] == {"separator": "="}


def test_an_account_without_mailbox_is_chosen_and_says_so() -> None:
    """The mailbox decides nothing, but the outcome names its absence."""
    users = [user("u@x.fr", accounts=many(TEST), isMailboxSetup=False)]
    found = resolve(Identity("", "", TEST), None, RULES, users)
    assert found.steps[-1].args == {"via": "account", "others": 0, "mailbox": False}


@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        (Rules(), {"DivaltoInfinityWinAccountEnv": many(f"A={DUPOND}", f" B = {TEST} ")}),
        (Rules(separator="|"), {"DivaltoInfinityWinAccountEnv": f"A|{DUPOND};B|{TEST}"}),
        (Rules(), {"divaltoinfinitywinaccountenv": [f"A={DUPOND}\nB={TEST}"]}),
        (
            Rules(encoding=Encoding.CUSTOM_TYPE),
            {
                "DivaltoInfinityWinAccountEnv": [
                    {"value": DUPOND, "type": "custom", "customType": "A"},
                    {"value": TEST, "type": "custom", "customType": "B"},
                ]
            },
        ),
        (
            Rules(encoding=Encoding.FIELD),
            {
                "DivaltoInfinityWinAccountEnv_A": many(DUPOND),
                "DivaltoInfinityWinAccountEnv_B": TEST,
            },
        ),
    ],
)
def test_every_encoding_of_env_reads_several_environments(
    rules: Rules, fields: dict[str, Any]
) -> None:
    """The three encodings, single- and multi-valued, give the same entries and the same account."""
    item = {"primaryEmail": "u@x.fr", "customSchemas": {"Divalto": fields}}
    read = User.from_directory(item, rules)
    assert sorted((fold(e.environment or ""), e.account) for e in read.env) == [
        ("a", DUPOND),
        ("b", TEST),
    ]
    found = resolve(Identity("B", "", TEST), None, rules, [read])
    assert (found.account, found.via) == ("u@x.fr", "env")
    assert resolve(Identity("A", "", TEST), None, rules, [read]).account is None


def test_an_environment_that_no_field_can_be_named_after() -> None:
    """Field per environment: what a field name cannot hold is an underscore, on both sides."""
    rules = Rules(encoding=Encoding.FIELD)
    name = rules.field_of("Les Petits Pains")
    assert name == "DivaltoInfinityWinAccountEnv_Les_Petits_Pains"
    item = {"primaryEmail": "u@x.fr", "customSchemas": {"Divalto": {name: DUPOND}}}
    users = [User.from_directory(item, rules)]
    found = resolve(Identity("les petits pains", "", DUPOND), None, rules, users)
    assert found.account == "u@x.fr"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "primaryEmail": JSON,
            "aliases": JSON,
            "customSchemas": st.fixed_dictionaries(
                {}, optional={"Divalto": st.dictionaries(st.sampled_from([RULES.env, "X"]), JSON)}
            )
            | JSON,
        },
    ),
    st.sampled_from(Encoding),
)
def test_any_json_is_read_as_a_user(item: dict[str, Any], encoding: Encoding) -> None:
    """No shape of a Directory answer raises."""
    User.from_directory(item, Rules(encoding=encoding))


NAMES = st.sampled_from(["a@x", "A@x ", "b@x", r"X\a", "", "ß@x", "SS@x", "é@x", "e\u0301@x"])
ENVIRONMENTS = st.sampled_from(["E", "e ", "F", ""])
USERS = st.builds(
    User,
    primary=st.sampled_from([f"u{n}@x" for n in range(6)]),
    aliases=st.lists(st.sampled_from(["al@x", "u1@x"]), max_size=1).map(tuple),
    suspended=st.booleans(),
    archived=st.booleans(),
    env=st.lists(st.builds(EnvEntry, ENVIRONMENTS | st.none(), NAMES), max_size=2).map(tuple),
    users=st.lists(NAMES, max_size=2).map(tuple),
    accounts=st.lists(NAMES, max_size=2).map(tuple),
)
PEOPLE = st.lists(USERS, max_size=5, unique_by=lambda user: user.primary)
IDENTITIES = st.builds(Identity, ENVIRONMENTS, NAMES, NAMES)


def grants(found: User, identity: Identity) -> bool:
    """Say it a second time, without the code under test: does an attribute admit the identity?"""

    def same(one: str | None, other: str) -> bool:
        plain = [unicodedata.normalize("NFC", text or "").strip().lower() for text in (one, other)]
        return plain[0] == plain[1] != ""

    return (
        any(
            same(entry.environment, identity.environment)
            and same(entry.account, identity.windows_account)
            for entry in found.env
        )
        or any(same(value, identity.harmony_user) for value in found.users)
        or any(same(value, identity.windows_account) for value in found.accounts)
    )


@given(IDENTITIES, st.none() | st.sampled_from(["u0@x", "U1@x", "al@x", "no@x"]), PEOPLE)
def test_nobody_gets_an_account_that_does_not_admit_them(
    identity: Identity, configured: str | None, users: list[User]
) -> None:
    """The account chosen admits the identity, or is configured and unprotected; never suspended."""
    found = resolve(identity, configured, RULES, users)
    if found.account is None:
        assert found.verdict in {Verdict.REFUSED, Verdict.NONE}
        return
    (chosen,) = (user for user in users if user.primary == found.account)
    assert not chosen.suspended
    assert not chosen.archived
    assert grants(chosen, identity) or (configured is not None and not chosen.protected)
    if configured:
        wanted = fold(configured)
        assert wanted in {fold(chosen.primary), *map(fold, chosen.aliases)}


@given(IDENTITIES, PEOPLE)
def test_somebody_admitted_is_always_found(identity: Identity, users: list[User]) -> None:
    """Nothing found means that no usable user admits the identity; the others found do admit it."""
    found = resolve(identity, None, RULES, users)
    fits = [
        user.primary
        for user in users
        if grants(user, identity) and not user.suspended and not user.archived
    ]
    assert (found.account is not None) == bool(fits)
    assert set(found.ambiguous) < set(fits) or not fits
    assert found == resolve(identity, None, RULES, users)

"""The ticket as a whole: nothing of the customer in it, everything for the support in it."""

import itertools
import json
import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.ticket import planted
from tests.viewer.ticket.unpacked import found_in, members
from tracer.capture.redact import Redactor
from viewer.model.findings import diagnose
from viewer.model.trace import Trace
from viewer.ticket.bundle import BundleError, LeakError, Order, Ticket, bundle
from viewer.ticket.open import open_ticket
from viewer.ticket.registry import Registry


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ticket]:
    """Return a session with everything planted, and its ticket."""
    folder = tmp_path_factory.mktemp("made")
    session = planted.write(folder / "session.jsonl")
    return session, bundle(Order(sessions=[session], out=folder / "t.zip", note="voir l'envoi"))


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the events of a session or of the one in a ticket."""
    data = path.read_bytes() if path.suffix == ".jsonl" else members(path)["session-1.jsonl.zst"]
    return [json.loads(line) for line in data.split(b"\n") if line]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every value that is no container, with its place; a key's place is its position."""
    if isinstance(value, dict):
        for n, (key, one) in enumerate(value.items()):
            yield (*path, n, "key"), key
            yield from leaves(one, (*path, n))
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield from leaves(one, (*path, n))
    else:
        yield path, value


@pytest.mark.parametrize("name", planted.SECRETS)
def test_no_planted_secret_is_in_the_ticket(made: tuple[Path, Ticket], name: str) -> None:
    """Each secret, planted somewhere else, is in no member in any encoding."""
    for member, data in members(made[1].path).items():
        assert not found_in(planted.SECRETS[name], data), member


@pytest.mark.parametrize("name", planted.IDENTITIES)
def test_no_planted_identity_is_in_the_ticket(made: tuple[Path, Ticket], name: str) -> None:
    """Each identity, planted somewhere else, was in the session and is in no member of it."""
    for member, data in members(made[1].path).items():
        assert not found_in(planted.IDENTITIES[name], data), member


def test_enough_is_planted(made: tuple[Path, Ticket]) -> None:
    """At least 40 secrets and 40 identities are planted, and the identities reach the session."""
    data = made[0].read_bytes()
    there = [name for name, text in planted.IDENTITIES.items() if found_in(text, data)]
    assert len(planted.SECRETS) >= 40
    assert len(there) >= 40


def test_structure_and_numbers_stay(made: tuple[Path, Ticket]) -> None:
    """Every line parses; only strings differ; numbers are spelled as they were."""
    before, after = lines_of(made[0]), lines_of(made[1].path)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        old, new = dict(leaves(one)), dict(leaves(other))
        assert old.keys() == new.keys()
        assert {k: v for k, v in old.items() if not isinstance(v, str)} == {
            k: v for k, v in new.items() if not isinstance(v, str)
        }
        assert list(one) == list(other)


def test_joins_give_the_same_counts(made: tuple[Path, Ticket]) -> None:
    """Two values are equal in the ticket exactly where they were equal in the session."""
    places: dict[str, set[Any]] = defaultdict(set)
    renamed: dict[str, set[Any]] = defaultdict(set)
    pairs = zip(lines_of(made[0]), lines_of(made[1].path), strict=True)
    for n, (one, other) in enumerate(pairs):
        for (place, old), (_, new) in zip(leaves(one), leaves(other), strict=True):
            if isinstance(old, str) and not old.startswith("Hello"):
                places[old].add((n, place))
                renamed[new].add((n, place))
    assert set(map(frozenset, places.values())) == set(map(frozenset, renamed.values()))


def test_relations_survive(made: tuple[Path, Ticket]) -> None:
    """The same person, the same domain, an alias, the other notation can still be told."""
    after = members(made[1].path)["session-1.jsonl.zst"].decode()
    names = Registry(b"x")
    one = names.address("amelie.carpentier", "boulangerie-durand.fr").split("@")
    other = names.address("amelie.carpentier", "viennoiserie-durand.com").split("@")
    alias = names.address("amelie+factures", "boulangerie-durand.fr").split("@")
    assert one[0] == other[0]
    assert one[1] == alias[1]
    assert "+tag-" in alias[0]
    assert names.windows("DURANDAD", "amelie.carpentier").endswith("\\" + one[0])
    assert "ENVIRONMENT-1" in after
    assert "ENVIRONMENT-2" in after


def told(path: Path) -> list[tuple[Any, ...]]:
    """Return the findings without their words."""
    trace = Trace.open([path], cache=False)
    try:
        return [
            (f.rule, f.severity, f.evidence, f.count, f.symptoms, f.ops) for f in diagnose(trace)
        ]
    finally:
        trace.close()


def test_findings_are_the_same(made: tuple[Path, Ticket]) -> None:
    """The findings of the ticket are those of the session: rule, evidence, count."""
    before = told(made[0])
    assert before
    assert told(made[1].path) == before


def test_the_ticket_is_complete_and_private(made: tuple[Path, Ticket]) -> None:
    """Trace, reports, picture and manifest are in it; it and the map are the owner's alone."""
    _, ticket = made
    assert set(members(ticket.path)) == {
        "manifest.json", "session-1.jsonl.zst", "report.html", "report.md", "picture.svg",
    }  # fmt: skip
    assert ticket.map_path.parent == made[0].parent
    if os.name == "posix":
        assert [stat.S_IMODE(p.stat().st_mode) for p in (ticket.path, ticket.map_path)] == [
            0o600
        ] * 2
    with open_ticket(ticket.path) as opened:
        assert opened.manifest["counts"]["events"] == ticket.events == len(lines_of(made[0]))
        assert opened.traces == (ticket.path,)
    assert not [p for p in made[0].parent.iterdir() if p.name.startswith(".")]


def off(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    """Switch one rule of the redaction or of the pseudonyms off."""
    switches: dict[str, tuple[type, str, Any]] = {
        "headers": (Redactor, "headers", lambda _s, headers, _n, _p: dict(headers)),
        "url": (Redactor, "url", lambda _s, url, _n, _p: url),
        "facts": (Redactor, "data", lambda _s, data, _n, _p="": dict(data)),
        "bodies": (
            Redactor, "body",
            lambda _s, content, kind, _n, _p, **_: {
                "size": len(content), "type": kind, "text": content,
            },
        ),
        "addresses": (Registry, "address", lambda _s, local, host: f"{local}@{host}"),
        "hosts": (Registry, "host", lambda _s, name: name),
    }  # fmt: skip
    owner, name, plain = switches[rule]
    monkeypatch.setattr(owner, name, plain)


@pytest.mark.parametrize("rule", ["headers", "url", "facts", "bodies", "addresses", "hosts"])
def test_a_rule_switched_off_is_noticed(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one rule off the check refuses, says where, never the value, and leaves nothing."""
    off(monkeypatch, rule)
    session = planted.write(tmp_path / "s.jsonl")
    with pytest.raises(LeakError) as caught:
        bundle(Order(sessions=[session], out=tmp_path / "t.zip"))
    shown = "\n".join(map(str, caught.value.leaks))
    assert "session-1.jsonl.zst, line" in shown
    assert "data." in shown
    everything = itertools.chain(planted.SECRETS.values(), planted.IDENTITIES.values())
    assert not [text for text in everything if text in shown]
    assert [p.name for p in tmp_path.iterdir()] == ["s.jsonl"]


def test_a_known_secret_is_looked_for(tmp_path: Path) -> None:
    """A string that the customer names is not handed over, whatever it looks like."""
    trace = TraceBuilder()
    trace.add("note", "point", "text", "session", text="the word is kouign amann")
    session = trace.write(tmp_path / "s.jsonl")
    with pytest.raises(LeakError) as caught:
        bundle(Order(sessions=[session], out=tmp_path / "t.zip", known=["Kouign Amann"]))
    assert "known secret" in str(caught.value.leaks[0])


def test_interrupted_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in any stage leaves the session alone in its folder."""
    session = planted.write(tmp_path / "s.jsonl")
    for wanted in ("rewrite", "report", "check"):

        def stop(stage: str, _done: int, _total: int, wanted: str = wanted) -> None:
            if stage == wanted:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            bundle(Order(sessions=[session], out=tmp_path / "t.zip", progress=stop))
        assert [p.name for p in tmp_path.iterdir()] == ["s.jsonl"]


def test_a_name_known_late_is_found_early(tmp_path: Path) -> None:
    """A name in free text before anything told that it is a name: the second attempt has it."""
    trace = TraceBuilder()
    trace.add("note", "point", "text", "session", text="asked by Sidonie Quemeneur")
    trace.add("note", "point", "text", "session", fullName="Sidonie Quemeneur")
    session = trace.write(tmp_path / "s.jsonl")
    ticket = bundle(Order(sessions=[session], out=tmp_path / "t.zip"))
    assert b"asked by Name-1" in members(ticket.path)["session-1.jsonl.zst"]


def test_addresses_can_be_kept(tmp_path: Path) -> None:
    """With keep_addresses people and hosts stay; ids, phones and IPs do not."""
    trace = TraceBuilder()
    trace.add("note", "point", "t", "session", text="ada@masoc.com +33612345678 10.1.2.3")
    session = trace.write(tmp_path / "s.jsonl")
    ticket = bundle(Order(sessions=[session], out=tmp_path / "t.zip", keep_addresses=True))
    assert b"ada@masoc.com phone-1 ip-1" in members(ticket.path)["session-1.jsonl.zst"]


def full_session(tmp_path: Path) -> Path:
    """Write a session with a mail's text in it."""
    trace = TraceBuilder()
    trace.add("session", "start", "s", "session", bodies="full", session="ab" * 16)
    body = {"size": 3, "type": "text/plain", "digest": "x", "text": "Bonjour", "kept": "full"}
    trace.call(
        "gmail.users.messages.get", "gmail", exchange={"response": {"body": body, "n": 1e400}}
    )
    return trace.write(tmp_path / "s.jsonl")


def test_full_bodies_are_taken_out(tmp_path: Path) -> None:
    """Mail text recorded with --bodies full leaves the house only when asked for."""
    session = full_session(tmp_path)
    ticket = bundle(Order(sessions=[session], out=tmp_path / "a.zip"))
    data = members(ticket.path)["session-1.jsonl.zst"]
    assert b"Bonjour" not in data
    assert b'"kept":"digest"' in data
    asked = bundle(Order(sessions=[session], out=tmp_path / "b.zip", full_bodies=True))
    assert b"Bonjour" in members(asked.path)["session-1.jsonl.zst"]


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    """A line that is no event could hold anything: its place is kept, its bytes are not."""
    session = tmp_path / "s.jsonl"
    session.write_bytes(b'{"secret": "torn' + planted.session().lines() + b'{"v":1,"ts":')
    ticket = bundle(Order(sessions=[session], out=tmp_path / "t.zip"))
    assert ticket.left_out == 2
    assert b"torn" not in members(ticket.path)["session-1.jsonl.zst"]
    assert told(session) == told(ticket.path)


def test_several_sessions_share_their_names(tmp_path: Path) -> None:
    """One person has one name in the whole ticket; the files keep their order."""
    paths = []
    for name in ("a", "b"):
        trace = TraceBuilder(pid=ord(name))
        trace.add("note", "point", "t", "session", text="ada@masoc.com")
        paths.append(trace.write(tmp_path / f"{name}.jsonl"))
    ticket = bundle(Order(sessions=paths, out=tmp_path / "t.zip"))
    both = [members(ticket.path)[f"session-{n}.jsonl.zst"] for n in (1, 2)]
    assert all(b"person-1@domain-1" in one for one in both)


def test_a_password_locks_it(tmp_path: Path) -> None:
    """With a password the members are AES; without it nothing opens."""
    session = planted.write(tmp_path / "s.jsonl")
    ticket = bundle(Order(sessions=[session], out=tmp_path / "t.zip", password=b"sesame"))
    assert b"person-1" not in ticket.path.read_bytes()
    with open_ticket(ticket.path, b"sesame") as opened:
        assert told(opened.traces[0]) == told(session)
        unpacked = opened.traces[0]
    assert not unpacked.exists()


@pytest.mark.parametrize("what", ["missing", "folder", "exists"])
def test_bad_orders_are_one_line(tmp_path: Path, what: str) -> None:
    """What cannot be done is said before anything is."""
    session = planted.write(tmp_path / "s.jsonl")
    wrong = {"missing": tmp_path / "none.jsonl", "folder": tmp_path, "exists": session}[what]
    out = session if what == "exists" else tmp_path / "t.zip"
    with pytest.raises(BundleError) as caught:
        bundle(Order(sessions=[wrong], out=out))
    assert "\n" not in str(caught.value)


SAMPLES = sorted((Path(__file__).parents[3] / "samples" / "sessions").glob("*.jsonl"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_real_sessions_pass_the_check(sample: Path, tmp_path: Path) -> None:
    """Sessions recorded from the layer are not refused, and their findings stay the same."""
    session = tmp_path / sample.name
    session.write_bytes(sample.read_bytes())
    ticket = bundle(Order(sessions=[session], out=tmp_path / "t.zip"))
    assert told(ticket.path) == told(session)


def test_there_are_real_sessions() -> None:
    """The samples are where they are looked for."""
    assert SAMPLES


def test_the_map_of_an_earlier_ticket_is_kept(tmp_path: Path) -> None:
    """The archive may be gone with the mail; who overwrote its map could read no answer."""
    session = planted.write(tmp_path / "s.jsonl")
    bundle(Order(sessions=[session], out=tmp_path / "t.zip"))
    (tmp_path / "t.zip").unlink()
    before = (tmp_path / "t.map").read_bytes()
    with pytest.raises(BundleError, match=r"t\.map exists"):
        bundle(Order(sessions=[session], out=tmp_path / "t.zip"))
    assert (tmp_path / "t.map").read_bytes() == before


def test_no_map_without_its_archive(tmp_path: Path) -> None:
    """An archive that cannot be put in its place takes the map along."""
    session = planted.write(tmp_path / "s.jsonl")

    def blocked(stage: str, done: int, total: int) -> None:
        if stage == "check" and done == total:
            (tmp_path / "t.zip").mkdir(exist_ok=True)
            (tmp_path / "t.zip" / "x").touch()

    with pytest.raises(OSError, match=r"t\.zip"):
        bundle(Order(sessions=[session], out=tmp_path / "t.zip", progress=blocked))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.jsonl", "t.zip"]

"""Directory requests against Google's own discovery document, checked by Prism, from npm."""

import json
import subprocess
from collections.abc import Iterator

import pytest
import requests
from googleapiclient import discovery_cache

from tests.protocol.outside.conftest import Layer
from tests.protocol.outside.programs import installed, listening
from tests.support.capture import Recording
from tests.support.ports import free_port
from tracer.operation import operation
from tracer.protocol.gsuite.attributes import Attributes
from tracer.protocol.gsuite.client import Google
from tracer.protocol.gsuite.directory import Directory
from tracer.protocol.identity import Identity
from tracer.protocol.steps import Rule

pytestmark = pytest.mark.outside

CONVERT = """\
const { convert } = require("google-discovery-to-swagger");
const fs = require("node:fs");
const spec = convert(JSON.parse(fs.readFileSync(process.argv[2])));
spec.produces = spec.consumes = ["application/json"];
// Prism answers every page alike: with a next page in it, none would be the last
delete spec.definitions.Users.properties.nextPageToken;
fs.writeFileSync(process.argv[3], JSON.stringify(spec));
"""
WANTED = ("users", "schemas")


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Prism over Google's document of the Directory; return its address."""
    modules = installed("@stoplight/prism-cli@5.14.2", "google-discovery-to-swagger@2.1.0")
    folder = tmp_path_factory.mktemp("prism")
    (folder / "node_modules").symlink_to(modules, target_is_directory=True)
    script, given, spec = (folder / name for name in ("convert.cjs", "given.json", "spec.json"))
    script.write_text(CONVERT)
    text = discovery_cache.get_static_doc("admin", "directory_v1")  # type: ignore[no-untyped-call]
    document = json.loads(text)
    kept = {name: document["resources"][name] for name in WANTED}
    given.write_text(json.dumps({**document, "resources": kept}))
    subprocess.run(["node", str(script), str(given), str(spec)], check=True, capture_output=True)
    port = free_port()
    program = modules / "@stoplight" / "prism-cli" / "dist" / "index.js"
    words = ("mock", "--host", "127.0.0.1", "--port", str(port), "--errors", spec)
    with listening(["node", program, *words], port) as url:
        yield url


@pytest.fixture
def google(prism: str, layer: Layer) -> Google:
    """Return our Directory client, pointed at Prism."""
    return layer(prism).google


def answers(recorded: Recording) -> list[tuple[str, int | None]]:
    """Return each Directory call in the trace with its status."""
    return [(e["name"], e["status"]) for e in recorded.calls() if e["topic"] == "directory"]


def status(url: str, token: str = "ya29.x") -> int:
    """Return what a GET is answered with."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with requests.get(url, headers=headers, timeout=30) as response:
        return response.status_code


def test_prism_refuses_what_google_would(prism: str) -> None:
    """No token is a 401, a wrong type and an unknown value a 422: a 200 below means something."""
    users = f"{prism}/admin/directory/v1/users?customer=my_customer"
    assert status(users) == 200
    assert status(users, token="") == 401
    assert status(users + "&maxResults=many") == 422
    assert status(users + "&projection=everything") == 422


def test_the_search_of_each_rule_is_valid(google: Google, recorded: Recording) -> None:
    """users.list with the query of each attribute, the full listing, users.get: all accepted."""
    who = Identity("ERP215", "CCOMPTA", "test@divalto.com")
    with operation("resolve account", "resolution") as op:
        directory = Directory(google, google.settings.rules, op)
        for rule in (Rule.ENV, Rule.USER, Rule.ACCOUNT):
            assert directory.by_rule(rule, who) is not None
        directory.everybody()
        directory.by_address("test@diva-gs.com")
    lists = [("directory.users.list", 200)] * 4
    assert answers(recorded) == [*lists, ("directory.users.get", 200)]


def test_schema_and_grant_are_valid(google: Google, recorded: Recording) -> None:
    """Creating the schema, adding fields to one, granting an account: Google's types accept it."""
    who = Identity("ERP215", "", "test@divalto.com")
    with operation("attributes", "directory") as op:
        attributes = Attributes(google, op, apply=True)
        attributes._insert(["DivaltoInfinityWinAccount"])
        attributes.create(("ERP215",))
        attributes.grant("test@diva-gs.com", who)
    seen = answers(recorded)
    assert {code for _, code in seen} == {200}
    names = [name for name, _ in seen]
    assert {"directory.schemas.insert", "directory.schemas.get", "directory.schemas.update"} <= {
        *names
    }
    assert names[-1] in {"directory.users.patch", "directory.users.update"}

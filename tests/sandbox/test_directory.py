"""The Directory: who is listed, in which view, and what a search finds."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from hypothesis import given
from hypothesis import strategies as st

from samples.sandbox import Sandbox, big_world, seed_world
from samples.sandbox.errors import Refused
from samples.sandbox.search import parse
from samples.sandbox.world import ENCODINGS, ENV, WIN_ACCOUNT

ADMIN = "admin@diva-gs.com"
READ = "admin.directory.user.readonly"
WRITE = "admin.directory.user"
SCHEMA = "admin.directory.userschema"
Connect = Callable[..., Any]


def addresses(answer: dict[str, Any]) -> list[str]:
    """The primary addresses of a page."""
    return [user["primaryEmail"] for user in answer.get("users", [])]


def failure(request: Any) -> tuple[int, str]:
    """Status and message of a request that must fail."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.status_code, caught.value.reason


def test_customer_spans_domains_and_a_domain_is_one(connect: Connect) -> None:
    """`my_customer` lists every domain, `domain` one, and neither is a bad request."""
    users = connect("admin", ADMIN, READ).users()
    everyone = addresses(users.list(customer="my_customer").execute())
    assert {"test@diva-gs.com", "dupond@masoc.com", "dupond@labriochedoree.com"} < set(everyone)
    assert addresses(users.list(domain="lespetitspains.com").execute()) == [
        "dupond@lespetitspains.com"
    ]
    assert failure(users.list()) == (400, "Bad Request")
    assert failure(users.list(customer="masoc.com")) == (400, "Bad Request")
    assert failure(users.list(domain="nowhere.com")) == (404, "Domain not found.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"Divalto.{WIN_ACCOUNT}='Dupond@soc-windows.fr'", ["dupond@masoc.com"]),
        (f"Divalto.{WIN_ACCOUNT}=dupond@SOC-windows.com", ["dupond@masoc.com"]),
        (f"Divalto.{WIN_ACCOUNT}:soc", ["ancien@masoc.com", "dupond@masoc.com"]),
        (f"Divalto.{WIN_ACCOUNT}:dupo", []),
        (f"Divalto.{WIN_ACCOUNT}:Dup*", []),
        (f"Divalto.{ENV}='ERP215=test@divalto.com'", ["demo@diva-gs.com"]),
        ("Divalto.Unknown=x", []),
        ("email:j.dup*", ["dupond@masoc.com"]),
        ("email=dupond@masoc.com givenName=Jean", ["dupond@masoc.com"]),
        ("email=dupond@masoc.com givenName=Paul", []),
        (r"familyName='O\'Brien'", []),
    ],
)
def test_search(connect: Connect, query: str, found: list[str]) -> None:
    """`=` is the whole value, `:` its words; a prefix works on built-in fields only."""
    users = connect("admin", ADMIN, READ).users()
    answer = users.list(customer="my_customer", query=query, maxResults=500).execute()
    listed = [name for name in addresses(answer) if name != "sansboite@masoc.com"]
    assert sorted(listed) == found


@pytest.mark.parametrize("query", ["email='dupond", "familyName=O'Brien", "nonsense", "=x", "a=b"])
def test_malformed_query(connect: Connect, query: str) -> None:
    """A quote too many, or no clause at all, is a 400 that names the query."""
    users = connect("admin", ADMIN, READ).users()
    assert failure(users.list(customer="my_customer", query=query)) == (
        400,
        "Invalid Input: query",
    )


@given(st.text())
def test_any_value_survives_quoting(value: str) -> None:
    """A value escaped with backslashes comes out of the parser as it went in."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    if "\n" not in value:
        assert parse(f"A.b='{escaped}'")[0].value == value


@given(st.text())
def test_parser_knows_one_error(query: str) -> None:
    """Whatever is thrown at the parser, it answers, or refuses with its own error."""
    with contextlib.suppress(Refused):
        assert all(clause.operator in "=:" for clause in parse(query))


def test_field_that_is_not_indexed_finds_nothing(box: Sandbox, connect: Connect) -> None:
    """No error says that the field is not searchable, or the value too new: there are no items."""
    users = connect("admin", ADMIN, READ).users()
    query = {"customer": "my_customer", "query": f"Divalto.{WIN_ACCOUNT}=test@divalto.com"}
    assert addresses(users.list(**query).execute()) == ["test@diva-gs.com"]
    box.world.not_yet_searchable.add("test@diva-gs.com")
    assert addresses(users.list(**query).execute()) == []
    box.world.not_yet_searchable.clear()
    box.world.schemas["Divalto"]["fields"][0]["indexed"] = False
    assert "users" not in users.list(**query).execute()


def test_projection_decides_about_custom_attributes(connect: Connect) -> None:
    """Custom attributes are there with `full`, or with `custom` and their schema's name only."""
    users = connect("admin", ADMIN, READ).users()

    def seen(**options: Any) -> bool:
        return "customSchemas" in users.get(userKey="dupond@masoc.com", **options).execute()

    assert seen(projection="full")
    assert seen(projection="custom", customFieldMask="Other,Divalto")
    assert not seen(projection="custom", customFieldMask="Other")
    assert not seen()
    assert failure(users.get(userKey="dupond@masoc.com", projection="custom"))[0] == 400


def test_pages_follow_each_other_in_order(connect: Connect) -> None:
    """Pages partition the list; a made-up page token is refused."""
    users = connect("admin", ADMIN, READ).users()
    request = users.list(customer="my_customer", maxResults=4, orderBy="email")
    pages: list[list[str]] = []
    while request is not None:
        answer = request.execute()
        pages.append(addresses(answer))
        request = users.list_next(request, answer)
    listed = [name for page in pages for name in page]
    assert listed == sorted(listed)
    assert len(listed) == 11
    assert {len(page) for page in pages[:-1]} == {4}
    down = users.list(customer="my_customer", orderBy="email", sortOrder="DESCENDING").execute()
    assert addresses(down) == listed[::-1]
    assert failure(users.list(customer="my_customer", pageToken="x"))[0] == 400
    assert failure(users.list(customer="my_customer", maxResults=501))[0] == 400


def test_one_user_by_any_of_its_names(connect: Connect) -> None:
    """Primary address, alias and id name the same user; an unknown key is Google's 404."""
    users = connect("admin", ADMIN, READ).users()
    user = users.get(userKey="Dupond@masoc.com").execute()
    assert users.get(userKey="j.dupond@masoc.com").execute() == user
    assert users.get(userKey=user["id"]).execute()["aliases"] == ["j.dupond@masoc.com"]
    assert failure(users.get(userKey="x@masoc.com")) == (404, "Resource Not Found: userKey")


def test_colleague_sees_public_fields_only(box: Sandbox, connect: Connect) -> None:
    """Who is no administrator needs `domain_public`, and sees no private attribute of others."""
    users = connect("admin", "accueil@masoc.com", READ).users()
    refused = (403, "Not Authorized to access this resource/api")
    assert failure(users.list(customer="my_customer")) == refused
    public = {"viewType": "domain_public", "projection": "full"}
    seen = users.get(userKey="dupond@masoc.com", **public).execute()
    assert len(seen["customSchemas"]["Divalto"][WIN_ACCOUNT]) == 3
    assert "recoveryEmail" not in seen
    box.world.schemas["Divalto"]["fields"][0]["readAccessType"] = "ADMINS_AND_SELF"
    assert "customSchemas" not in users.get(userKey="dupond@masoc.com", **public).execute()


def test_service_account_itself_is_nobody(connect: Connect) -> None:
    """Without a subject the Directory refuses."""
    users = connect("admin", None, READ).users()
    assert failure(users.list(customer="my_customer"))[0] == 403


def test_values_are_set_and_taken_away(connect: Connect) -> None:
    """An update replaces the field it names, keeps the others, and null deletes."""
    users = connect("admin", ADMIN, WRITE).users()
    values = [{"value": "paul@soc-windows.com"}]

    def update(fields: Any) -> Any:
        body = {"customSchemas": {"Divalto": fields}}
        answer = users.update(userKey="dupond@masoc.com", body=body).execute()
        return answer.get("customSchemas", {}).get("Divalto")

    changed = update({ENV: values})
    assert len(changed[WIN_ACCOUNT]) == 3
    assert changed[ENV] == [{"value": "paul@soc-windows.com", "type": "work"}]
    assert set(update({WIN_ACCOUNT: None})) == {ENV}
    assert update(None) is None
    bad = users.update(userKey="dupond@masoc.com", body={"customSchemas": {"No": {"a": 1}}})
    assert failure(bad)[0] == 400


def test_schema_life(connect: Connect) -> None:
    """A schema is created once, found by name and id, changed, and deleted with its values."""
    service = connect("admin", ADMIN, SCHEMA, WRITE)
    schemas = service.schemas()
    body = {"schemaName": "Autre", "fields": [{"fieldName": "A", "fieldType": "STRING"}]}
    made = schemas.insert(customerId="my_customer", body=body).execute()
    again = schemas.insert(customerId="my_customer", body=body)
    assert failure(again) == (409, "Entity already exists.")
    by_id = schemas.get(customerId="my_customer", schemaKey=made["schemaId"]).execute()
    assert by_id["fields"][0]["indexed"] is True
    assert len(schemas.list(customerId="my_customer").execute()["schemas"]) == 2
    more = {"fields": [*made["fields"], {"fieldName": "B", "fieldType": "STRING"}]}
    key = {"customerId": "my_customer", "schemaKey": "Autre"}
    assert len(schemas.patch(**key, body=more).execute()["fields"]) == 2
    users = service.users()
    value = {"customSchemas": {"Autre": {"A": "x"}}}
    users.patch(userKey="test@diva-gs.com", body=value).execute()
    schemas.delete(**key).execute()
    assert failure(schemas.get(**key))[0] == 404
    left = users.get(userKey="test@diva-gs.com", projection="full").execute()
    assert set(left["customSchemas"]) == {"Divalto"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_world_speaks_every_encoding(encoding: str) -> None:
    """Environment and account are told apart in each of the three encodings."""
    with Sandbox(seed_world(encoding)) as box:
        fields = box.world["demo@diva-gs.com"].custom["Divalto"]
        said = {
            "env=account": {ENV: [{"value": "ERP215=test@divalto.com", "type": "work"}]},
            "customType": {
                ENV: [{"value": "test@divalto.com", "type": "custom", "customType": "ERP215"}]
            },
            "field-per-environment": {
                f"{ENV}_ERP215": [{"value": "test@divalto.com", "type": "work"}]
            },
        }
        assert fields == said[encoding]


def test_big_domain_is_listed_and_searched(connect: Connect) -> None:
    """In a domain of thousands each user comes once, and a search finds its one."""
    with Sandbox(big_world(3000)) as box:
        users = connect("admin", ADMIN, READ, box=box).users()
        request = users.list(domain="big.example", maxResults=500, projection="full")
        found: list[str] = []
        while request is not None:
            answer = request.execute()
            found += addresses(answer)
            request = users.list_next(request, answer)
        assert len(set(found)) == len(found) == 3000
        query = f"Divalto.{WIN_ACCOUNT}='win02999@soc-windows.com'"
        one = users.list(customer="my_customer", query=query).execute()
        assert addresses(one) == ["user02999@big.example"]
        users.close()

"""Directory API: users."""

from collections.abc import Callable
from typing import Any

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.search import matcher
from samples.sandbox.wire import Json
from samples.sandbox.world import User

_ORDER: dict[str, Callable[[User], str]] = {
    "email": lambda user: user.primary,
    "givenName": lambda user: user.given.lower(),
    "familyName": lambda user: user.family.lower(),
}
_EDITABLE = {"suspended": "suspended", "isAdmin": "admin"}


@plays("directory.users.list")
def users_list(call: Call) -> Json:
    """Users of the customer or of one domain, by page."""
    view = _View(call)
    size = call.number("maxResults", 100, 1, 500)
    users = [] if call.arg("pageToken") else _selected(call)
    page, following = call.state.pages.cut(users, size, call.arg("pageToken"), call.acts)
    answer: Json = {"kind": "admin#directory#users", "etag": f'"users-{call.world.revision}"'}
    if page:
        answer["users"] = [view.of(user) for user in page]
    if following:
        answer["nextPageToken"] = following
    return answer


def _selected(call: Call) -> list[User]:
    users = _in_scope(call)
    deleted = call.flag("showDeleted")
    users = [user for user in users if user.deleted == deleted]
    if query := call.arg("query"):
        holds = matcher(call.world, query)
        users = [user for user in users if holds(user)]
    if order := call.arg("orderBy"):
        if order not in _ORDER:
            raise Refused("argument", name="orderBy", value=order)
        down = call.arg("sortOrder").upper() == "DESCENDING"
        users.sort(key=_ORDER[order], reverse=down)
    return users


def _in_scope(call: Call) -> list[User]:
    customer, domain = call.arg("customer"), call.arg("domain").lower()
    if domain:
        if domain not in call.world.domains:
            raise Refused("unknown-domain")
        return [user for user in call.world if user.primary.endswith("@" + domain)]
    if customer not in ("my_customer", call.world.customer_id):
        raise Refused("bad-request")
    return list(call.world)


@plays("directory.users.get")
def users_get(call: Call) -> Json:
    """One user, by primary address, alias or id."""
    view = _View(call)
    return view.of(_found(call))


@plays("directory.users.update", "directory.users.patch")
def users_update(call: Call) -> Json:
    """Change custom attribute values and a few plain fields; null takes a value away."""
    _require_admin(call)
    user = _found(call)
    change = call.json()
    for schema, fields in (change.get("customSchemas") or {}).items():
        _set_fields(call, user, schema, fields)
    for name, attribute in _EDITABLE.items():
        if isinstance(change.get(name), bool):
            setattr(user, attribute, change[name])
    names = change.get("name") or {}
    user.given = names.get("givenName", user.given)
    user.family = names.get("familyName", user.family)
    call.world.changed(user)
    return _View(call, projection="full").of(user)


def _set_fields(call: Call, user: User, schema: str, fields: Json | None) -> None:
    known = call.world.schemas.get(schema)
    if known is None:
        raise Refused("bad-input", name="custom_schema")
    if not isinstance(fields, dict | None):
        raise Refused("bad-input", name="custom_schema")
    if fields is None:
        user.custom.pop(schema, None)
        return
    specs = {spec["fieldName"]: spec for spec in known["fields"]}
    for name, value in fields.items():
        if name not in specs:
            raise Refused("bad-input", name="custom_field")
        held = user.custom.setdefault(schema, {})
        if value is None or value == []:
            held.pop(name, None)
        else:
            held[name] = _checked(value, multi=specs[name]["multiValued"])
    if not user.custom.get(schema):
        user.custom.pop(schema, None)


def _checked(value: Any, *, multi: bool) -> Any:
    """Return a value as it is stored; multi-valued fields hold ``{"value": …}`` objects."""
    if not multi:
        if isinstance(value, list | dict):
            raise Refused("bad-input", name="custom_field")
        return value
    if not isinstance(value, list) or not all(
        isinstance(entry, dict) and "value" in entry for entry in value
    ):
        raise Refused("bad-input", name="custom_field")
    return [{"type": "work", **entry} for entry in value]


@plays("directory.users.aliases.list")
def aliases_list(call: Call) -> Json:
    """The aliases of a user."""
    _require_admin(call)
    user = _found(call)
    entries = [
        {
            "kind": "admin#directory#alias",
            "id": user.id,
            "primaryEmail": user.primary,
            "alias": name,
        }
        for name in user.aliases
    ]
    return {"kind": "admin#directory#aliases", "aliases": entries}


def _found(call: Call) -> User:
    user = call.world.user(call.params["userKey"])
    if user is None or user.deleted:
        raise Refused("unknown-user")
    return user


def _require_admin(call: Call) -> None:
    if call.subject is None or not call.subject.admin:
        raise Refused("not-admin")


class _View:
    """How the caller may, and wants to, see users."""

    def __init__(self, call: Call, projection: str | None = None) -> None:
        self._public = call.arg("viewType") == "domain_public"
        if call.subject is None or not (call.subject.admin or self._public):
            raise Refused("not-admin")
        self._world = call.world
        self._subject = call.subject
        self._projection = projection or call.arg("projection", "basic").lower()
        self._mask = call.args("customFieldMask")
        if self._projection not in ("basic", "custom", "full"):
            raise Refused("argument", name="projection", value=self._projection)
        if self._projection == "custom" and not self._mask:
            raise Refused("bad-input", name="custom_field_mask")

    def of(self, user: User) -> Json:
        """Write one user out."""
        answer: Json = {
            "kind": "admin#directory#user",
            "id": user.id,
            "etag": f'"user-{user.id}-{user.etag}"',
            "primaryEmail": user.primary,
            "name": {
                "givenName": user.given,
                "familyName": user.family,
                "fullName": user.name,
            },
            "emails": [
                {"address": name, "primary": True} if name == user.primary else {"address": name}
                for name in user.addresses
            ],
        }
        if not self._public:
            answer |= self._administrative(user)
        if user.aliases:
            answer["aliases"] = user.aliases
        if schemas := self._schemas(user):
            answer["customSchemas"] = schemas
        return answer

    def _administrative(self, user: User) -> Json:
        facts: Json = {
            "isAdmin": user.admin,
            "isDelegatedAdmin": False,
            "lastLoginTime": "2026-11-20T08:15:00.000Z",
            "creationTime": "2019-03-04T10:00:00.000Z",
            "agreedToTerms": True,
            "suspended": user.suspended,
            "archived": False,
            "changePasswordAtNextLogin": False,
            "ipWhitelisted": False,
            "languages": [{"languageCode": "fr", "preference": "preferred"}],
            "customerId": self._world.customer_id,
            "orgUnitPath": "/",
            "isMailboxSetup": user.has_mailbox,
            "isEnrolledIn2Sv": False,
            "isEnforcedIn2Sv": False,
            "includeInGlobalAddressList": True,
            "recoveryEmail": f"{user.given.lower()}.private@example.net",
            "recoveryPhone": f"+3338869{user.id[-4:]}",
        }
        if user.suspended:
            facts["suspensionReason"] = "ADMIN"
        if user.deleted:
            facts["deletionTime"] = "2026-11-01T00:00:00.000Z"
        return facts

    def _schemas(self, user: User) -> Json:
        if self._projection == "basic":
            return {}
        names = user.custom if self._projection == "full" else self._mask
        shown = {name: self._fields(user, name) for name in names if name in user.custom}
        return {name: fields for name, fields in shown.items() if fields}

    def _fields(self, user: User, schema: str) -> Json:
        held = user.custom[schema]
        if not self._public or user is self._subject:
            return held
        specs = self._world.schemas.get(schema, {}).get("fields", [])
        public = {s["fieldName"] for s in specs if s["readAccessType"] == "ALL_DOMAIN_USERS"}
        return {name: value for name, value in held.items() if name in public}

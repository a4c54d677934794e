"""The three attributes in the Directory: create them, show who may use what, grant, revoke."""

from dataclasses import dataclass
from typing import Any

from tracer.operation import Operation
from tracer.protocol.errors import RefusedError, ServiceError, SettingsError
from tracer.protocol.gsuite.client import Google
from tracer.protocol.gsuite.directory import Directory
from tracer.protocol.identity import Encoding, Identity, User, fold
from tracer.protocol.steps import Rule


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, or (dry run) would be."""

    what: str
    applied: bool


class Attributes:
    """Works on the attributes inside of one operation; changes nothing unless `apply`."""

    def __init__(self, google: Google, op: Operation, *, apply: bool) -> None:
        self.google = google
        self.op = op
        self.apply = apply
        self.rules = google.settings.rules
        self.customer = google.settings.options.customer

    def create(self, environments: tuple[str, ...] = ()) -> list[Change]:
        """Create the schema with its fields, or add to one that exists what it lacks.

        `environments`: with one field an environment, those to make a field for.
        """
        wanted = [self.rules.user, self.rules.account]
        if self.rules.encoding != Encoding.FIELD:
            wanted.insert(0, self.rules.env)
        wanted += [self.rules.field_of(name) for name in environments]
        found = self._schema()
        if found is None:
            return self._insert(wanted)
        return self._complete(found, wanted)

    def _schema(self) -> dict[str, Any] | None:
        schemas = self.google.directory("schema").schemas()
        request = schemas.get(customerId=self.customer, schemaKey=self.rules.schema)
        try:
            return self.google.run(request)
        except ServiceError as error:
            if error.status == 404:
                return None
            raise

    def _insert(self, names: list[str]) -> list[Change]:
        body = {"schemaName": self.rules.schema, "fields": [_field(name) for name in names]}
        what = f"create {self.rules.schema} with {', '.join(names)}"
        if not self.apply:
            return [Change(what, applied=False)]
        schemas = self.google.directory("schema-write").schemas()
        try:
            self.google.run(schemas.insert(customerId=self.customer, body=body))
        except ServiceError as error:
            if error.status != 409:
                raise
            found = self._schema()  # somebody made it meanwhile, or an earlier try did
            if found is None:
                raise
            return self._complete(found, names)
        return [Change(what, applied=True)]

    def _complete(self, found: dict[str, Any], names: list[str]) -> list[Change]:
        fields: list[dict[str, Any]] = list(found.get("fields") or [])
        known = {str(field.get("fieldName")): field for field in fields}
        changes = []
        for name in names:
            if name not in known:
                fields.append(_field(name))
                changes.append(f"add {name} to {self.rules.schema}")
            elif not (known[name].get("indexed") and known[name].get("multiValued")):
                known[name].update(indexed=True, multiValued=True)
                changes.append(f"make {name} indexed and multi-valued")
        if changes and self.apply:
            schemas = self.google.directory("schema-write").schemas()
            request = schemas.update(
                customerId=self.customer,
                schemaKey=self.rules.schema,
                body={**found, "fields": fields},
            )
            self.google.run(request)
        return [Change(what, self.apply) for what in changes]

    def show(self) -> list[User]:
        """Return the users that carry any of the attributes, by address."""
        directory = Directory(self.google, self.rules, self.op)
        found = [user for user in directory.everybody() if user.protected]
        self.op.result(cost={"requests": directory.cost.requests, "users": directory.cost.users})
        return found

    def grant(self, account: str, identity: Identity) -> list[Change]:
        """Let `identity` use `account`; nothing happens when it may already."""
        return self._change(account, identity, add=True)

    def revoke(self, account: str, identity: Identity) -> list[Change]:
        """Take from `account` the values that name `identity`."""
        return self._change(account, identity, add=False)

    def _change(self, account: str, identity: Identity, *, add: bool) -> list[Change]:
        """Write one attribute: Env with an environment, User with a Harmony user, else Account."""
        name, entry = self._entry(identity)
        users = self.google.directory("directory-write").users()
        request = users.get(userKey=account, projection="custom", customFieldMask=self.rules.schema)
        try:
            item = self.google.run(request)
        except ServiceError as error:
            if error.status == 404:
                raise RefusedError(
                    f"there is no Google user {account}", remedy="correct the address"
                ) from None
            raise
        primary = str(item.get("primaryEmail", account))
        before = _entries((item.get("customSchemas") or {}).get(self.rules.schema, {}).get(name))
        kept = [one for one in before if not _same(one, entry)]
        if (len(kept) < len(before)) is add:  # it is there already, or it never was
            return []
        after = [*kept, entry] if add else kept
        shown = f"{entry.get('customType', '')} {entry['value']}".strip()
        verb, link = ("grant", "to") if add else ("revoke", "from")
        what = f"{verb} {primary} {link} {shown} ({name})"
        rest = User.from_directory(
            {**item, "customSchemas": self._with(item, name, after)}, self.rules
        )
        if not rest.protected:
            what += "; no attribute is left: everybody may then use the account"
        if self.apply:
            self._write(primary, name, after)
        return [Change(what, self.apply)]

    def _write(self, account: str, name: str, values: list[Any]) -> None:
        """Put `values` into one field of `account`; the other fields stay."""
        users = self.google.directory("directory-write").users()
        body = {"customSchemas": {self.rules.schema: {name: values or None}}}
        self.google.run(users.patch(userKey=account, body=body))

    def _with(self, item: dict[str, Any], name: str, values: list[Any]) -> dict[str, Any]:
        """Return the custom schemas of `item` with other values in one field."""
        schemas = item.get("customSchemas") or {}
        return {self.rules.schema: {**schemas.get(self.rules.schema, {}), name: values}}

    def _entry(self, identity: Identity) -> tuple[str, dict[str, str]]:
        """Return the field to write and the value for `identity`."""
        rules = self.rules
        environment, windows = identity.environment.strip(), identity.windows_account.strip()
        if identity.harmony_user.strip() and not windows:
            return rules.user, {"value": identity.harmony_user.strip(), "type": "work"}
        if not windows:
            raise SettingsError("whom? give --windows-account or --harmony-user")
        if not environment:
            return rules.account, {"value": windows, "type": "work"}
        if rules.encoding == Encoding.CUSTOM_TYPE:
            return rules.env, {"value": windows, "type": "custom", "customType": environment}
        if rules.encoding == Encoding.FIELD:
            return rules.field_of(environment), {"value": windows, "type": "work"}
        if rules.separator in environment:
            raise SettingsError(
                f"the environment {environment!r} holds the separator {rules.separator!r}",
                remedy="choose another attributes.separator",
            )
        return rules.env, {"value": f"{environment}{rules.separator}{windows}", "type": "work"}


def _field(name: str) -> dict[str, Any]:
    return {
        "fieldName": name,
        "fieldType": "STRING",
        "multiValued": True,
        "indexed": True,
        "readAccessType": "ALL_DOMAIN_USERS",
    }


def _entries(raw: Any) -> list[dict[str, Any]]:
    """Return the values of a field as multi-valued entries."""
    values = raw if isinstance(raw, list) else [] if raw is None else [raw]
    return [one if isinstance(one, dict) else {"value": str(one)} for one in values]


def _same(one: dict[str, Any], other: dict[str, str]) -> bool:
    return fold(str(one.get("value", ""))) == fold(other["value"]) and (
        fold(str(one.get("customType") or "")) == fold(other.get("customType", ""))
    )


def may_use(user: User) -> list[tuple[Rule, str]]:
    """Return whom `user` admits: the rule, and the value in words."""
    return [
        *(
            (Rule.ENV, f"{one.environment or '(no environment)'}: {one.account}")
            for one in user.env
        ),
        *((Rule.USER, name) for name in user.users),
        *((Rule.ACCOUNT, name) for name in user.accounts),
    ]

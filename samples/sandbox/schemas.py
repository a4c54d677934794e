"""Directory API: custom schemas, the attributes an administrator adds to users."""

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.wire import Json, Reply
from samples.sandbox.world import new_field, new_schema


def _require_admin(call: Call) -> None:
    if call.subject is None or not call.subject.admin:
        raise Refused("not-admin")


def _found(call: Call) -> Json:
    key = call.params["schemaKey"]
    for name, schema in call.world.schemas.items():
        if key in (name, schema["schemaId"]):
            return schema
    raise Refused("unknown-schema")


def _shown(call: Call, schema: Json) -> Json:
    return {"etag": f'"schema-{call.world.revision}"', **schema}


def _fields(given: object) -> list[Json]:
    if not isinstance(given, list) or not given:
        raise Refused("bad-input", name="fields")
    if not all(isinstance(entry, dict) and "fieldName" in entry for entry in given):
        raise Refused("bad-input", name="fields")
    return [new_field({"multiValued": False, **entry}) for entry in given]


@plays("directory.schemas.list")
def schemas_list(call: Call) -> Json:
    """All schemas."""
    _require_admin(call)
    entries = [_shown(call, schema) for schema in call.world.schemas.values()]
    answer: Json = {"kind": "admin#directory#schemas"}
    return answer | ({"schemas": entries} if entries else {})


@plays("directory.schemas.get")
def schemas_get(call: Call) -> Json:
    """One schema, by name or id."""
    _require_admin(call)
    return _shown(call, _found(call))


@plays("directory.schemas.insert")
def schemas_insert(call: Call) -> Reply:
    """A new schema; its name must be free."""
    _require_admin(call)
    given = call.json()
    name = str(given.get("schemaName", "")).replace(" ", "_")
    if not name:
        raise Refused("bad-input", name="schema_name")
    if name in call.world.schemas:
        raise Refused("duplicate")
    schema = new_schema(name) | {
        "displayName": given.get("displayName", name),
        "fields": _fields(given.get("fields")),
    }
    call.world.schemas[name] = schema
    call.world.revision += 1
    return Reply.of(_shown(call, schema), 201)


@plays("directory.schemas.patch", "directory.schemas.update")
def schemas_update(call: Call) -> Json:
    """New fields, or new properties of fields; a field that is left out goes, as with Google."""
    _require_admin(call)
    schema = _found(call)
    given = call.json()
    if "fields" in given:
        fields = _fields(given["fields"])
        known = {spec["fieldName"]: spec for spec in schema["fields"]}
        for spec in fields:
            before = known.get(spec["fieldName"])
            changed_type = before and before["fieldType"] != spec["fieldType"]
            if changed_type or (before and before["multiValued"] and not spec["multiValued"]):
                raise Refused("bad-input", name="field_type")
        schema["fields"] = fields
    schema["displayName"] = given.get("displayName", schema["displayName"])
    call.world.revision += 1
    return _shown(call, schema)


@plays("directory.schemas.delete")
def schemas_delete(call: Call) -> None:
    """Take a schema away, and its values from all users."""
    _require_admin(call)
    name = _found(call)["schemaName"]
    del call.world.schemas[name]
    for user in call.world:
        user.custom.pop(name, None)
    call.world.revision += 1

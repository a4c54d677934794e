"""The published schema."""

from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

import tracer.schema.events


@pytest.fixture(scope="session")
def schema() -> Draft202012Validator:
    """Return a validator of one line."""
    path = Path(tracer.schema.events.__file__).with_name("v1.schema.json")
    return Draft202012Validator(orjson.loads(path.read_bytes()))

"""Programs from outside that some tests need: skipped where they cannot be had, required in CI."""

import os

import pytest


def needs(program: str | None, name: str) -> pytest.MarkDecorator:
    """Return a mark that skips without `program` (a path or None); in CI the test fails instead."""
    missing = program is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"{name} is not installed")

"""`tracer run`: the environment in which a Python program, and those it starts, are traced."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

STARTUP: Final = Path(__file__).resolve().parent / "startup"
"""The folder whose ``sitecustomize`` attaches the tracer."""


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` changed so that Python processes attach themselves when they start.

    Reaches ``python FILE``, ``python -m``, console scripts, and their own children. Does not reach
    an interpreter started with ``-S``, ``-I`` or ``-E``, one that does not have mapi-tracer
    installed, or a frozen program: they run untraced.
    """
    changed = dict(env)
    before = [entry for entry in changed.get("PYTHONPATH", "").split(os.pathsep) if entry]
    rest = [entry for entry in before if entry != str(STARTUP)]
    changed["PYTHONPATH"] = os.pathsep.join([str(STARTUP), *rest])
    return changed

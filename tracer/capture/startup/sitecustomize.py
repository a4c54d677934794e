"""Runs at the start of every Python process under `tracer run`, and makes way for the real one.

This folder stands first on PYTHONPATH, so Python imports this file as ``sitecustomize``.
"""

import importlib
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def _install() -> None:
    """Attach the tracer; a program that cannot be traced runs all the same."""
    try:
        from tracer.capture.install import install

        install()
    except Exception:  # noqa: BLE001, S110 - nothing of ours may reach the host, not even a word
        pass


def _chain() -> None:
    """Import the program's own ``sitecustomize``, if it has one."""
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != _FOLDER]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours


if __name__ == "sitecustomize":
    _install()
    _chain()

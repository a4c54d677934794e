"""Rules that name the cause; each is a pure function over `Facts`."""

from viewer.model.findings.engine import diagnose

__all__ = ["diagnose"]

"""The one choke point: everything passes here before the writer, and before our own log."""

from tracer.capture.redact.redactor import Notes, Redactor

__all__ = ["Notes", "Redactor"]

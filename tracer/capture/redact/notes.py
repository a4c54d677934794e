"""The notes that a redaction leaves."""

Notes = list[dict[str, str]]
"""``{"path": "request.headers.authorization", "kind": "token"}``, one for each thing taken away."""

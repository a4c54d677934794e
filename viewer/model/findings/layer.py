"""What the layer itself refused, before any server was asked.

It says so in one English sentence; the facts in it are taken out, so that the user reads them in
his own language.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from viewer.model.finding import Evidence, Finding
from viewer.model.findings.build import finding
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import text

_SAID: Final = {
    "gmail-off": re.compile(r"Gmail is switched off\n"),
    "sender-foreign": re.compile(
        r"(?P<account>\S+) may not send as (?P<sender>\S+)\n(?:.* those are: (?P<verified>.*))?"
    ),
    "code-page": re.compile(
        r"(?P<part>.+): (?P<sign>.+) at line (?P<line>\d+), column (?P<column>\d+) "
        r"is not in the code page (?P<page>\S+)\n"
    ),
    "address-invalid": re.compile(r"(?P<header>[\w-]+): (?P<address>.+) is no mail address\n"),
}
"""Rule -> what the layer's error says, its cause on a line of its own."""


def refused_by_the_layer(facts: Facts) -> Iterator[Finding]:
    """A setting, a rule of the layer or the mail itself: nothing was sent."""
    for operation in facts.failed_operations:
        error: Any = operation.data.get("error")
        error = error if isinstance(error, dict) else {}
        said = f"{text(error.get('message'))}\n{text(error.get('cause'))}"
        for rule, pattern in _SAID.items():
            match = pattern.match(said)
            if match:
                told = {name: value or "word.unknown" for name, value in match.groupdict().items()}
                yield finding(
                    rule,
                    [Evidence(operation.id, "error.message")],
                    confidence=0.95,
                    args={"operation": operation.name, **told},
                    symptoms=[operation.id],
                    ops=[operation.op or operation.id],
                    topic=operation.topic,
                )


RULES = (refused_by_the_layer,)

"""What a prompt reports; apart from it, because its input line is costly to import."""

from dataclasses import dataclass

from textual.message import Message


@dataclass
class Entered(Message):
    """The text is complete."""

    purpose: str
    text: str


@dataclass
class Left(Message):
    """The prompt was left without a text."""

    purpose: str


@dataclass
class Open(Message):
    """The start screen asks for these files."""

    paths: list[str]

"""What a prompt reports; apart from it, because its input line is costly to import."""

from textual.message import Message


class Entered(Message):
    """The text is complete."""

    def __init__(self, purpose: str, text: str) -> None:
        super().__init__()
        self.purpose = purpose
        self.text = text


class Left(Message):
    """The prompt was left without a text."""

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose


class Open(Message):
    """The start screen asks for these files."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__()
        self.paths = paths

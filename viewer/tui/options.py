"""What the command line may ask of the interface."""

from typing import NamedTuple


class Options(NamedTuple):
    """How the interface starts; everything can be changed from inside later."""

    lang: str | None = None
    """``en`` or ``fr``; None: that of the environment."""
    theme: str | None = None
    """A theme of Textual; None: TEXTUAL_THEME or the default."""
    mouse: bool = True
    ascii_only: bool | None = None
    """Only ASCII glyphs; None: decided by the encoding of the terminal."""
    tab: str | None = None
    """A topic, ``summary``, ``timeline`` or ``all``."""
    goto: str | None = None
    """The id of the event to open."""
    filter: str | None = None
    follow: bool = False

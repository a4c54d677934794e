"""The viewer's own catalogues; how they are read and for whom is in `tracer.i18n`."""

from pathlib import Path
from typing import ClassVar

from tracer import i18n
from tracer.i18n import LANGUAGES, language, language_asked

__all__ = ["LANGUAGES", "Catalogue", "language", "language_asked"]


class Catalogue(i18n.Catalogue):
    """The texts of one domain (``findings``, ``tui``, ``report``) in one language."""

    locales: ClassVar[Path] = Path(__file__).parent / "locales"

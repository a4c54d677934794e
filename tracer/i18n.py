"""French and English, by gettext catalogues whose message ids are ids, not sentences."""

import gettext
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

LANGUAGES: Final = ("en", "fr")


def language(asked: str | None = None) -> str:
    """Return ``en`` or ``fr``: the one asked for (``--lang``), else that of the environment."""
    names = [asked, *(os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))]
    if sys.platform == "win32":  # which has none of these variables
        names.append(windows_language())
    for name in names:
        if name:
            return name[:2].lower() if name[:2].lower() in LANGUAGES else "en"
    return "en"


def language_asked(argv: Sequence[str]) -> str:
    """Return the language of the help, before anything else is read."""
    for at, word in enumerate(argv):
        if word.startswith("--lang="):
            return language(word.partition("=")[2])
        if word == "--lang" and at + 1 < len(argv):
            return language(argv[at + 1])
    return language()


if sys.platform == "win32":

    def windows_language() -> str | None:
        """Return the language that Windows itself speaks to this user."""
        import ctypes
        import locale

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage())


class Catalogue:
    """The texts of one domain (``cli``, ``control``) in one language."""

    locales: ClassVar[Path] = Path(__file__).parent / "locales"

    def __init__(self, domain: str, lang: str) -> None:
        self.lang = lang
        self._texts = gettext.translation(domain, self.locales, languages=[lang])

    def __call__(self, message_id: str, **values: Any) -> str:
        """Return the text of `message_id` with its `{names}` filled in; the id if there is none."""
        text = self._texts.gettext(message_id)
        return text.format(**values) if values else text

    @property
    def point(self) -> str:
        """What stands between a number and its decimals."""
        return "," if self.lang == "fr" else "."

    def has(self, message_id: str) -> bool:
        """Tell whether this language has a text for `message_id`."""
        return self._texts.gettext(message_id) != message_id


class SayableError(Exception):
    """An error that is said in the user's language; its `str` is English, as in a trace."""

    catalogue: ClassVar[type[Catalogue]] = Catalogue
    domain: ClassVar[str]

    def __init__(self, message_id: str, **values: object) -> None:
        super().__init__(message_id)
        self.message_id = message_id
        self.values = values

    def text(self, lang: str) -> str:
        """Return what is wrong and what to do next, in one line."""
        return self.catalogue(self.domain, lang)(self.message_id, **self.values)

    def __str__(self) -> str:
        return self.text("en")

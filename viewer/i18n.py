"""French and English, by gettext catalogues whose message ids are ids, not sentences."""

import gettext
import os
import sys
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("en", "fr")
LOCALES: Final = Path(__file__).parent / "locales"


def language(asked: str | None = None) -> str:
    """Return ``en`` or ``fr``: the one asked for (``--lang``), else that of the environment."""
    names = [asked, *(os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))]
    if sys.platform == "win32":  # which has none of these variables
        names.append(windows_language())
    for name in names:
        if name:
            return name[:2].lower() if name[:2].lower() in LANGUAGES else "en"
    return "en"


if sys.platform == "win32":

    def windows_language() -> str | None:
        """Return the language that Windows itself speaks to this user."""
        import ctypes
        import locale

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage())


class Catalogue:
    """The texts of one domain (``findings``, ``tui``, ``report``) in one language."""

    def __init__(self, domain: str, lang: str) -> None:
        self.lang = lang
        self._texts = gettext.translation(domain, LOCALES, languages=[lang])

    def __call__(self, message_id: str, **values: Any) -> str:
        """Return the text of `message_id` with its `{names}` filled in; the id if there is none."""
        text = self._texts.gettext(message_id)
        return text.format(**values) if values else text

    def has(self, message_id: str) -> bool:
        """Tell whether this language has a text for `message_id`."""
        return self._texts.gettext(message_id) != message_id

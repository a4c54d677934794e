"""What argparse itself says (usage, headings, errors), in the user's language."""

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tracer.i18n import Catalogue

_DOMAIN: Final = "argparse"
_ASKED: Final = "LANGUAGE"


@contextmanager
def spoken(lang: str) -> Iterator[None]:
    """Let argparse speak `lang`: it asks gettext's default domain, which asks `LANGUAGE` first."""
    gettext.bindtextdomain(_DOMAIN, Catalogue.locales)
    before = gettext.textdomain()
    gettext.textdomain(_DOMAIN)
    own = os.environ.get(_ASKED)
    os.environ[_ASKED] = lang
    try:
        yield
    finally:
        gettext.textdomain(before)
        if own is None:
            del os.environ[_ASKED]
        else:
            os.environ[_ASKED] = own

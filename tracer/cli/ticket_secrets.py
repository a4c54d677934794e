"""The secrets of the house: those that the settings in force name, which no ticket may hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tracer import control
from tracer.i18n import Catalogue
from tracer.protocol.errors import SettingsError
from tracer.protocol.options import Options, Secret
from tracer.protocol.settings import load

_SHORTEST: Final = 6
"""A shorter password stands in every text by chance."""
_LINE: Final = 32


def house_secrets(settings: Path | None, texts: Catalogue) -> tuple[list[str], list[str]]:
    """Return the secrets to look for, and why some cannot be looked for, one line each.

    Args:
        settings: the settings file; None: that of the environment or of TRACER_HOME.
        texts: of the domain ``cli``.
    """
    complaints: list[str] = []
    try:
        options = load(settings, home=control.home()).options
    except (SettingsError, OSError, ValueError) as error:
        return [], [texts("secrets.none", reason=error)]
    secrets = [*_service_account(options.service_account_file, texts, complaints)]
    for name, secret in (
        ("smtp.password", options.smtp.password),
        ("ldap.password", options.ldap.password),
        ("ews.password", options.ews.password),
    ):
        secrets += _password(name, secret, texts, complaints)
    secrets += _in_urls(options)
    return list(dict.fromkeys(secrets)), complaints


def _service_account(path: Path | None, texts: Catalogue, complaints: list[str]) -> Iterator[str]:
    """Yield the private key whole, each of its lines, and its id."""
    if path is None:
        return
    try:
        content = json.loads(path.read_bytes())
        key, own = content.get("private_key"), content.get("private_key_id")
    except OSError as error:
        complaints.append(texts("secrets.key-unreadable", path=path, reason=error.strerror))
        return
    except (ValueError, AttributeError, RecursionError):
        complaints.append(texts("secrets.no-key", path=path))
        return
    if isinstance(key, str):
        lines = [line.strip() for line in key.splitlines() if "-----" not in line]
        yield from (one for one in (key.strip(), "".join(lines), *lines) if len(one) >= _LINE)
    if isinstance(own, str) and len(own) >= _SHORTEST:
        yield own


def _password(
    name: str, secret: Secret | None, texts: Catalogue, complaints: list[str]
) -> Iterator[str]:
    if secret is None:
        return
    try:
        text = secret.read()
    except (LookupError, ValueError) as error:
        complaints.append(texts("secrets.password", name=name, reason=error))
        return
    if len(text) >= _SHORTEST:
        yield text
    else:
        complaints.append(texts("secrets.password-short", name=name, least=_SHORTEST))


def _in_urls(options: Options) -> Iterator[str]:
    for url in (options.network.proxy, options.ldap.url, options.ews.url, options.endpoint):
        try:
            password = unquote(urlsplit(url).password or "")
        except ValueError:
            continue
        if len(password) >= _SHORTEST:
            yield password

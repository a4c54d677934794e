"""The settings in force, and where each value came from: flag, environment, file, default."""

import dataclasses
import difflib
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tracer.protocol.errors import SettingsError
from tracer.protocol.identity import Identity, Rules
from tracer.protocol.options import INFORMATIVE, OPTIONS, SECTIONS, Option, Options, Secret

FILE_NAME: Final = "settings.toml"
FILE_VARIABLE: Final = "TRACER_SETTINGS"

_TRUE, _FALSE = {"1", "true", "yes", "on", "oui"}, {"0", "false", "no", "off", "non"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The values, and the origin of each: ``default``, ``file:LINE``, ``env`` or ``flag``."""

    options: Options
    origins: Mapping[str, str]
    file: Path | None = None

    @property
    def rules(self) -> Rules:
        """Where the three attributes are and how they are written."""
        a = self.options.attributes
        return Rules(a.schema, a.env, a.user, a.account, a.encoding, a.separator)

    @property
    def identity(self) -> Identity:
        """Who acts."""
        o = self.options
        return Identity(o.environment, o.harmony_user, o.windows_account)

    def value(self, key: str) -> Any:
        """Return the value at `key`."""
        section, dot, name = key.rpartition(".")
        return getattr(getattr(self.options, section) if dot else self.options, name)

    def data(self) -> dict[str, dict[str, Any]]:
        """Return key -> value, origin, label, for the trace and for people; without secrets."""
        return {
            key: {
                "value": shown(self.value(key)),
                "origin": self.origins.get(key, "default"),
                "label": option.label,
            }
            for key, option in OPTIONS.items()
        }


def shown(value: object) -> Any:
    """Return `value` as JSON has it, without the password that a URL may hold."""
    if isinstance(value, tuple):
        return [shown(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Path | Secret):
        return str(value)
    if isinstance(value, str) and "@" in value and "://" in value:
        parts = urlsplit(value)
        return parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2]).geturl()
    return value


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Settings:
    """Return the settings in force.

    Args:
        file: The settings file; else ``TRACER_SETTINGS`` names it; else the one in `home`, if any.
        environ: Instead of the process's environment.
        flags: key -> text from the command line.
        home: ``TRACER_HOME``.

    Raises:
        SettingsError: With file and line, variable or flag, and what is allowed there.
    """
    env = os.environ if environ is None else environ
    path = _find(file, env, home)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if path is not None:
        for key, value, line in _read(path):
            values[key], origins[key] = value, f"file:{line}"
    for option in OPTIONS.values():
        text = env.get(option.variable)
        if text is not None:
            values[option.key] = _from_text(option, text, option.variable)
            origins[option.key] = "env"
    _usual(env, values, origins)
    for key, text in (flags or {}).items():
        values[key] = _from_text(_known(key, "--set"), text, f"--set {key}")
        origins[key] = "flag"
    return Settings(_build(values), origins, path)


def _find(file: Path | None, env: Mapping[str, str], home: Path | None) -> Path | None:
    if file is not None:
        return file
    if env.get(FILE_VARIABLE):
        return Path(env[FILE_VARIABLE])
    usual = home / FILE_NAME if home else None
    return usual if usual and usual.exists() else None


def _usual(env: Mapping[str, str], values: dict[str, Any], origins: dict[str, str]) -> None:
    """Take proxy and Windows account from the system's variables where no setting says so."""
    names = {
        "network.proxy": env.get("HTTPS_PROXY") or env.get("https_proxy"),
        "windows_account": "@".join((env["USERNAME"], env["USERDNSDOMAIN"]))
        if env.get("USERNAME") and env.get("USERDNSDOMAIN")  # only Windows in a domain sets both
        else None,
    }
    for key, text in names.items():
        if text and key not in values:
            values[key] = _from_text(OPTIONS[key], text, "the environment")
            origins[key] = "env"


def _build(values: Mapping[str, Any]) -> Options:
    top = {key: value for key, value in values.items() if "." not in key}
    for name, section in SECTIONS.items():
        prefix = name + "."
        inner = {k[len(prefix) :]: v for k, v in values.items() if k.startswith(prefix)}
        top[name] = section(**inner)
    return Options(**top)


# the file


def _read(path: Path) -> Iterator[tuple[str, Any, int]]:
    """Yield key, value and line of each setting in `path`."""
    raw, text = b"", ""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
        tree = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"cannot read the settings {path}: {error.strerror}",
            remedy="give another file with --settings",
        ) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}:{line}: is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        what = re.sub(r" \(at .*\)$", "", str(error))
        raise SettingsError(f"{path}:{line}: not TOML: {what}") from None
    lines = _lines(text)
    for key, value in _flat(tree):
        line = lines.get(key) or lines.get(key.partition(".")[0]) or 1
        where = f"{path}:{line}"
        yield key, _checked(_known(key, where), value, where, path.parent), line


def _flat(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and name in SECTIONS:
            yield from ((f"{name}.{inner}", v) for inner, v in value.items())
        else:
            yield name, value


def _lines(text: str) -> dict[str, int]:
    """Return the line on which each key stands, counted from 1."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([\w.\"'-]+)\s*\]", line)
        if header:
            section = header[1].strip("\"'") + "."
            found.setdefault(section[:-1], number)
            continue
        key = re.match(r"\s*([\w.\"' -]+?)\s*=", line)
        if key:
            found.setdefault(section + re.sub(r"[\"' ]", "", key[1]), number)
    return found


# one value


def _known(key: str, where: str) -> Option:
    option = OPTIONS.get(key)
    if option:
        return option
    if key in INFORMATIVE:
        raise SettingsError(
            f"{where}: {key} ({INFORMATIVE[key]}) is informative and cannot be set;"
            " `tracer act check` finds it out"
        )
    if key in SECTIONS:
        raise SettingsError(f"{where}: {key} is a section: write [{key}] and its settings below")
    near = difflib.get_close_matches(key, OPTIONS, 1, 0.5)
    name = key.rpartition(".")[2]
    near = near or [k for k in OPTIONS if k.rpartition(".")[2] == name]
    hint = f"; did you mean {near[0]}?" if near else "; `tracer act settings` lists the settings"
    raise SettingsError(f"{where}: there is no setting {key}{hint}")


def _plain_kind(option: Option) -> Any:
    """Return the option's type without ``| None``."""
    kind = option.kind
    if isinstance(kind, types.UnionType):
        return next(one for one in typing.get_args(kind) if one is not types.NoneType)
    return kind


def _from_text(option: Option, text: str, where: str) -> Any:
    """Return the value of a flag or variable."""
    kind = _plain_kind(option)
    value: Any = text
    if kind is bool:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise SettingsError(f"{where}: must be true or false, not {text!r}")
        value = word in _TRUE
    elif kind is int:
        try:
            value = int(text)
        except ValueError:
            raise SettingsError(f"{where}: must be a whole number, not {text!r}") from None
    elif typing.get_origin(kind) is tuple:
        value = [part for part in re.split(r"[,\s]+", text) if part]
    return _checked(option, value, where, Path())


def _checked(option: Option, value: Any, where: str, folder: Path) -> Any:
    """Return `value` as the option's type."""
    kind = _plain_kind(option)
    try:
        result = _convert(kind, value, folder)
    except ValueError as error:
        raise SettingsError(f"{where}: {option.key} {error}") from None
    wrong = option.check(result) if option.check else ""
    if wrong:
        raise SettingsError(f"{where}: {option.key} {wrong}, not {shown(result)!r}")
    return result


def _convert(kind: Any, value: Any, folder: Path) -> Any:
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError("must be a list of texts")
        return tuple(value)
    if kind in {bool, int}:
        if type(value) is not kind:
            words = {bool: "true or false", int: "a whole number"}
            raise ValueError(f"must be {words[kind]}, not {value!r}")
        return value
    if not isinstance(value, str):  # not shown: it may be a password
        raise ValueError("must be a text in quotes")
    return _from_string(kind, value, folder)


def _from_string(kind: Any, value: str, folder: Path) -> Any:
    if kind is Path:
        return folder / Path(value).expanduser()
    if kind is Secret:
        if not re.match(r"(env|file):.", value):
            raise ValueError("must say where the password is: env:NAME or file:PATH")
        return Secret(value)
    if issubclass(kind, StrEnum):
        if value not in set(kind):
            raise ValueError(f"must be one of {', '.join(kind)}, not {value!r}")
        return kind(value)
    return value


def replace(settings: Settings, **values: Any) -> Settings:
    """Return `settings` with other top-level values, as flags."""
    origins = {**settings.origins, **dict.fromkeys(values, "flag")}
    return dataclasses.replace(
        settings, options=dataclasses.replace(settings.options, **values), origins=origins
    )

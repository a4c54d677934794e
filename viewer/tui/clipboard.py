"""Copying: the system's clipboard when it is ours, else the terminal's, else a file."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from textual.app import App

OSC52_MOST: Final = 74_000
"""Bytes; terminals cut or drop longer ones without a word."""
_COMMANDS: Final = {
    "darwin": (("pbcopy",),),
    "win32": (("clip",),),
    "wayland": (("wl-copy",),),
    "x11": (("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")),
}
_SECONDS: Final = 3


def copy(app: App[int], text: str) -> tuple[str, str]:
    """Put `text` where it can be pasted; return how (``native``, ``osc52``, ``file``) and where."""
    data = text.encode("utf-8", "backslashreplace")
    if _is_local() and _native(data):
        return "native", ""
    if len(data) <= OSC52_MOST and not app.is_headless and os.environ.get("TERM") != "linux":
        app.copy_to_clipboard(data.decode())
        return "osc52", ""
    return "file", str(_file(data))


def _is_local() -> bool:
    return not any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def _system() -> str:
    if sys.platform in {"darwin", "win32"}:
        return sys.platform
    if os.environ.get("WAYLAND_DISPLAY"):
        return "wayland"
    return "x11" if os.environ.get("DISPLAY") else ""


def _native(data: bytes) -> bool:
    if sys.platform == "win32":
        data = data.decode().encode("utf-16-le")  # what clip.exe reads without loss
    for command in _COMMANDS.get(_system(), ()):
        program = shutil.which(command[0])
        if program is None:
            continue
        try:
            subprocess.run(  # noqa: S603 - a fixed program; the text goes to its stdin
                [program, *command[1:]], input=data, timeout=_SECONDS, check=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            continue
        return True
    return False


def _file(data: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix="traceview-", suffix=".txt")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return Path(name)

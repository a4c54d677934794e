"""What a recorded session is played on: the stand-in, a settings file, the commands, real debug."""

import contextlib
import io
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from samples.sandbox import Sandbox, seed_world
from tracer import control
from tracer.capture.install import install, uninstall
from tracer.cli.main import main
from tracer.protocol.settings import Settings, load

AT: Final = 1_781_510_400.0
"""When the recorded sessions take place, seconds since 1970: 2026-06-15T08:00:00Z."""

PATIENCE: Final = 20.0
"""Seconds that a command may take to get as far as it should."""

_ROOT: Final = Path(__file__).parents[1]
_TRACER: Final = Path(sys.executable).parent / "tracer"

_PROGRAM: Final = """\
import sys
from samples.record_stage import as_program
sys.exit(as_program(sys.argv[1:]))
"""

_SETTINGS: Final = """\
protocol = "gsuite"
endpoint = "{url}"
service_account_file = "{key}"
directory_account = "admin@diva-gs.com"

[network]
timeout = 10
"""


class StoryError(Exception):
    """A scene did not end as its session tells it."""


class Stage:
    """One session's stand-in and settings; `act` does what `tracer act` does, recorded."""

    def __init__(self, box: Sandbox, folder: Path) -> None:
        self.box = box
        self.folder = folder
        self.key = box.key_file(folder / "service-account.json")
        self._settings = folder / "settings.toml"
        text = _SETTINGS.format(url=box.url, key=self.key.as_posix())
        self._settings.write_text(text, encoding="utf-8")

    def say(self, text: str) -> None:
        """Announce a scene: nothing to do here, the demo prints it."""

    def act(self, *words: str | Path, fails: bool = False) -> str:
        """Run `tracer act …` in this process; return what it prints.

        Raises:
            StoryError: It ended well and should not have, or the other way round.
        """
        out, talk = io.StringIO(), io.StringIO()
        command = self._act(words)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            code = main(command)
        _expect(command, code, talk.getvalue(), fails=fails)
        return out.getvalue()

    def tracer(self, *words: str | Path, fails: bool = False) -> None:
        """Run `tracer …` as a process of its own.

        Raises:
            StoryError: As `act`.
        """
        command = [_TRACER, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        _expect(list(map(str, command)), done.returncode, done.stderr, fails=fails)

    def settings(self, **flags: str) -> Settings:
        """Return the settings of this stage, `flags` over them."""
        return load(self._settings, environ={}, flags=flags)

    def killed(self, *words: str, during: str) -> None:
        """Run `tracer act …` as a process of its own; kill it while `during` has no answer."""
        self.box.fault("hang", times=1, match=during)
        command = [sys.executable, "-c", _PROGRAM, *self._act(words)]
        seen = len(self.box.requests)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            self._wait_for(during, seen, process)
            process.kill()

    def _act(self, words: Sequence[str | Path]) -> list[str]:
        return ["act", *map(str, words), "--settings", str(self._settings)]

    def _wait_for(self, method: str, seen: int, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + PATIENCE
        while not any(one.method_id == method for one in self.box.requests[seen:]):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise StoryError(f"{method} was never asked for")
            time.sleep(0.01)


def _expect(command: list[str], code: int, talk: str, *, fails: bool) -> None:
    if (code != 0) is not fails:
        raise StoryError(f"`{' '.join(command)}` ended with exit code {code}: {talk}")


@contextmanager
def recorded(label: str, file: Path) -> Iterator[Stage]:
    """Switch debug on into `file`, and open a stage; afterwards switch it off."""
    with Sandbox(seed_world(at=AT)) as box:
        stage = Stage(box, file.parent)
        control.turn_on(label, out=file)
        install()
        try:
            yield stage
        finally:
            uninstall()
            control.turn_off()


PID: Final = 4711
"""Stands for this process: its digits are part of each Message-ID, and so of every size."""


def fix_chance() -> None:
    """Let Message-IDs and boundaries have the same length in every recording."""
    random.seed(PID)
    os.getpid = lambda: PID


def as_program(words: Sequence[str]) -> int:
    """Run `tracer WORDS` as a process that `Stage.killed` has started."""
    fix_chance()
    sys.argv = ["tracer", *words]
    return main(words)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep the environment's settings, sessions and language out; work in `folder`."""
    before, argv, where, getpid = dict(os.environ), sys.argv, Path.cwd(), os.getpid
    for name in list(os.environ):
        if name.startswith(("TRACER_", "GOOGLE_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ |= {
        "TRACER_HOME": str(folder / "home"),
        "NO_GCE_CHECK": "true",
        "TZ": "UTC",
        "PYTHONPATH": str(_ROOT),
        "PATH": f"{_TRACER.parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    sys.argv = ["erp.py"]
    fix_chance()
    os.chdir(folder)
    if sys.platform != "win32":
        time.tzset()
    try:
        yield
    finally:
        os.chdir(where)
        os.getpid, sys.argv = getpid, argv
        os.environ.clear()
        os.environ.update(before)
        if sys.platform != "win32":
            time.tzset()

"""`make demo`: the seed page's story, played against the sandbox with the commands its users type.

It leaves the trace and the settings in `demo/` (`python -m samples.demo FOLDER`: there), opens the
viewer when there is a terminal, and prints the report when there is none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from samples.sandbox import Sandbox, seed_world

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

SETTINGS = """\
# The layer's settings for the demo; `tracer act settings` explains each line.
protocol = "gsuite"
endpoint = "{url}"
service_account_file = "{key}"
directory_account = "admin@diva-gs.com"
"""


class Player(Protocol):
    """Who plays the story: the demo on the command line, or the recorder of the sample sessions."""

    box: Sandbox
    key: Path
    """The service-account file."""

    def say(self, text: str) -> object:
        """Announce a scene."""

    def act(self, *words: str, fails: bool = False) -> object:
        """Run `tracer act …`."""

    def tracer(self, *words: str, fails: bool = False) -> object:
        """Run `tracer …`."""


def story(run: Player) -> None:
    """Play every scene; a scene that is meant to fail says so."""
    dupond = ("--windows-account", "Dupond@soc-windows.com")
    test = ("--windows-account", "test@divalto.com")
    mail = (
        "--to",
        "client@example.com",
        "--subject",
        "Commande 4711",
        "--text",
        "Bonjour, votre commande est prête.",
    )
    run.say("The same Windows account, two environments, two senders")
    run.act("send", "--environment", "LESPETITSPAINS", *dupond, *mail)
    run.act("send", "--environment", "LABRIOCHEDOREE", *dupond, *mail)
    run.say("test@divalto.com: its own account, and another one in ERP215")
    run.act("resolve", *test)
    run.act("resolve", "--environment", "ERP215", *test)
    run.say("dupond@masoc.com is protected: a foreign Windows account is refused")
    run.act(
        "send",
        "--account",
        "dupond@masoc.com",
        "--windows-account",
        "intrus@ailleurs.example",
        *mail,
        fails=True,
    )
    run.say("A program that knows nothing of us, whose token lacks a scope")
    program = ("python", "-m", "samples.repro.missing_scope", run.box.url, str(run.key))
    run.tracer("run", "--", *program, fails=True)
    run.say("One sending limit, with the time to come back")
    run.box.fault("rate-limit", times=1, match="gmail.users.messages.send")
    run.act("send", "--environment", "LABRIOCHEDOREE", *dupond, *mail, fails=True)


class Story:
    """Types the commands, shows them, and checks that each ends as the story says."""

    def __init__(self, box: Sandbox, folder: Path, settings: Path, key: Path) -> None:
        self.box = box
        self.key = key
        self._environment = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "TRACER_HOME": str((folder / "home").resolve()),
            "PYTHONPATH": str(ROOT),  # of `python -m samples.repro.…`
            "TRACER_SETTINGS": str(settings.resolve()),
        }

    def say(self, text: str) -> None:
        """Announce a scene."""
        print(f"\n# {text}", flush=True)

    def act(self, *words: str, fails: bool = False) -> None:
        """Run `tracer act …`."""
        self.tracer("act", *words, fails=fails)

    def tracer(self, *words: str, fails: bool = False) -> None:
        """Run `tracer …` and stop the demo when it does not end as told."""
        shown = " ".join(w if w and " " not in w else f'"{w}"' for w in words)
        print(f"$ tracer {shown}", flush=True)
        done = subprocess.run([BIN / "tracer", *words], env=self._environment, check=False)
        if (done.returncode != 0) is not fails:
            sys.exit(f"demo: `tracer {shown}` ended with exit code {done.returncode}")

    def view(self, files: Sequence[Path]) -> int:
        """Open `files` in the viewer; it prints the report when there is no terminal."""
        return subprocess.run(
            [BIN / "traceview", *files], env=self._environment, check=False
        ).returncode


def main(folder: Path = Path("demo")) -> int:
    """Play the story, its files in `folder`; return an exit code."""
    trace = folder / "session.jsonl"
    if folder.exists() and any(folder.iterdir()) and not trace.exists():
        sys.exit(f"demo: {folder} holds other files: name a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Sandbox(seed_world()) as box:
        key = folder / "service-account.json"
        box.key_file(key)
        settings = folder / "settings.toml"
        text = SETTINGS.format(url=box.url, key=key.resolve().as_posix())
        settings.write_text(text, encoding="utf-8")
        run = Story(box, folder, settings, key)
        run.tracer("on", "--label", "demo", "--out", str(trace))
        story(run)
        run.say("Debug off: here is the file")
        run.tracer("off")
        code = run.view([trace])
    print(f"\nThe trace stays in {trace}: traceview {trace}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))

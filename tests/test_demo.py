"""The demo as its users run it, and what neither it nor any fault may leave in a trace."""

import contextlib
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from samples.record_rows import ATTACHED, MAIL, PLANTED, TEST
from samples.record_stage import Stage, StoryError, alone, recorded
from samples.sandbox.faults import TABLE
from tests.support.leaks import SEEDED, leaked

ROOT = Path(__file__).parents[1]
MAIL_OF_THE_DEMO = ("Commande 4711", "Bonjour, votre commande est prête.")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Play the demo without a terminal; return its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "samples.demo", str(folder)], cwd=ROOT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, " ".join(done.stdout.partition("report: demo")[2].split())


def private_key(file: Path) -> tuple[str, ...]:
    """Return two lines from the middle of the key in a service-account file."""
    return tuple(orjson.loads(file.read_bytes())["private_key"].splitlines()[5:7])


@pytest.mark.parametrize(
    "says",
    [
        "account dupond@lespetitspains.com, decided by DivaltoInfinityWinAccountEnv",
        "DivaltoInfinityWinAccountEnv holds Dupond@soc-windows.com for environment LESPETITSPAINS",
        "account dupond@labriochedoree.com, decided by DivaltoInfinityWinAccountEnv",
        "DivaltoInfinityWinAccountEnv holds Dupond@soc-windows.com for environment LABRIOCHEDOREE",
        "account test@diva-gs.com, decided by DivaltoInfinityWinAccount (",
        "DivaltoInfinityWinAccount holds test@divalto.com",
        "account demo@diva-gs.com, decided by DivaltoInfinityWinAccountEnv",
        "DivaltoInfinityWinAccountEnv holds test@divalto.com for environment ERP215",
        "intrus@ailleurs.example may not use dupond@masoc.com",
        "dupond@masoc.com is protected by DivaltoInfinityWinAccount, and none of them admits",
        "The token lacks the scope that gmail.users.messages.list needs",
        "dupond@labriochedoree.com has reached its sending limit",
        "Gmail accepts no more mail from dupond@labriochedoree.com until",
    ],
)
def test_the_report_names_account_attribute_and_reason(demo: tuple[Path, str], says: str) -> None:
    """Of each story: which account, which attribute decided, and why."""
    assert says in demo[1]


def test_the_trace_lies_where_the_demo_says(demo: tuple[Path, str]) -> None:
    """The session is whole: switched on, switched off."""
    lines = [line for line in (demo[0] / "session.jsonl").read_bytes().split(b"\n") if line]
    ends = [orjson.loads(line) for line in (lines[0], lines[-1])]
    assert [(one["kind"], one["phase"]) for one in ends] == [
        ("session", "start"),
        ("session", "end"),
    ]


def test_the_demo_leaves_no_secret(demo: tuple[Path, str]) -> None:
    """No key, token, assertion, subject or text, in no encoding."""
    raw = (demo[0] / "session.jsonl").read_bytes()
    assert leaked(raw, (*private_key(demo[0] / "service-account.json"), *MAIL_OF_THE_DEMO)) == []


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """The demo never empties a folder that is not its own."""
    (tmp_path / "letter.txt").write_text("keep me")
    command = [sys.executable, "-m", "samples.demo", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "name a new folder" in done.stderr
    assert (tmp_path / "letter.txt").exists()


def everything(stage: Stage, message: str) -> None:
    """Send with an attachment, read what is new and one mail; failing is what faults are for."""
    quick = ("--set", "network.timeout=1", "--set", "network.retries=0", *TEST)
    for words in (
        ("send", *MAIL, "--attach", "bon.pdf"),
        ("read", "--new"),
        ("read", "--id", message),
    ):
        with contextlib.suppress(StoryError):
            stage.act(*words, *quick)


def hits(stage: Stage, fault: str) -> int:
    """Return how many requests a fault has hit."""
    return sum(fault in one.faults for one in stage.box.requests)


def test_no_fault_makes_a_secret_reach_the_disk(tmp_path: Path) -> None:
    """Every fault of the sandbox in turn, while mail is sent and read: no byte of a secret."""
    file = tmp_path / "faults.jsonl"
    unused = set()
    with alone(tmp_path), recorded("faults", file) as stage:
        (tmp_path / "bon.pdf").write_bytes(ATTACHED)
        message = stage.act("read", *TEST).split()[1]
        stage.act("read", "--new", *TEST)
        for name in TABLE:
            before = hits(stage, name)
            stage.box.fault(name)
            everything(stage, message)
            stage.box.clear_faults()
            if hits(stage, name) == before:
                unused.add(name)
        assert stage.box.sent, "no mail has left: the run proves nothing"
        secrets = (*private_key(stage.key), stage.box.world.client_secret, *PLANTED, *SEEDED)
    assert unused == {"sync-expired"}  # the layer reads no calendar by sync token
    assert leaked(file.read_bytes(), secrets) == []

"""The completion of shells: ids and accounts come from the trace, and nothing that could act."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "samples" / "sessions" / "00-demo.jsonl"
CODE = "import sys; from viewer.cli import main; sys.exit(main())"


def asked(*words: str) -> list[str]:
    """Run ``traceview`` as a shell does and return its lines."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("traceview {file} call 0", r"[0-9a-f]{16}"),
        ("traceview why d {file}", r"[dD]\S+@\S+"),
        ("traceview why {file} dupond@l", r"l\S+"),
        ("traceview {file} --goto 00", r"[0-9a-f]{16}"),
        ("traceview what-if {file} --operation 00", r"[0-9a-f]{16}"),
        ("traceview what-if {file} --account dup", r"dupond@\S+"),
    ],
)
def test_bash_completes_from_the_trace(tmp_path: Path, line: str, fits: str) -> None:
    """In a real bash, ids and accounts of the named file are offered, whatever its name."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    shutil.copy(DEMO, tmp_path / "my file.jsonl")
    words = [word.format(file="my\\ file.jsonl") for word in line.split()]
    at = next(n for n, word in enumerate(words) if word in {"0", "d", "00", "dup", "dupond@l"})
    before = " ".join(words[: at + 1])
    if words[at] == "dupond@l":  # bash takes the part after an @ for a word of its own
        words[at : at + 1] = ["dupond", "@", "l"]
        at += 2
    script = "\n".join(asked("completion", "bash"))
    quoted = " ".join(shlex.quote(word) for word in words)
    script += (
        f'\ntraceview() {{ {shlex.quote(sys.executable)} -c {shlex.quote(CODE)} "$@"; }}\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={at}\n"
        f"COMP_LINE={shlex.quote(before)}; COMP_POINT={len(before)}\n"
        '_traceview; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [bash, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    offered = done.stdout.split()
    assert offered
    assert all(re.fullmatch(fits, one) for one in offered), offered


def test_nothing_harmful_is_offered_to_a_shell(tmp_path: Path) -> None:
    """Accounts that a shell could act on are left out; a file that is no trace offers nothing."""
    trace = TraceBuilder()
    for account in ("$(reboot)", "`reboot`", "a b@c.fr", "-rf", "x\n", "\x1b[2J", "good@masoc.com"):
        trace.call("gmail.users.messages.send", "gmail", account=account)
    path = str(trace.write(tmp_path / "s.jsonl"))
    for kind in ("account", "who"):
        assert asked("--complete", kind, "=", path) == ["good@masoc.com"]
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04")
    for words in (["account", "=", str(tmp_path / "no.zip")], ["nonsense", "=", path], ["account"]):
        assert asked("--complete", *words) == []

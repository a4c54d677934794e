"""Attaching to a whole process, and letting go of it exactly."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capture.web import serve
from tests.support.capture import read, recording
from tracer import control, operation
from tracer.capture.bootstrap import STARTUP, environment
from tracer.capture.install import SEAMS, UNSEEN, install, uninstall
from tracer.capture.recorder import Recorder


@pytest.fixture(autouse=True)
def detached() -> Iterator[None]:
    """Nothing stays attached after a test."""
    yield
    uninstall()


def attributes() -> dict[tuple[str, str, str], Any]:
    """Return every attribute of every class in the modules that are attached to."""
    found = {}
    for name in SEAMS:
        if name in UNSEEN:
            continue
        module = importlib.import_module(name)
        for owner_name, owner in vars(module).items():
            if isinstance(owner, type):
                for attribute, value in vars(owner).items():
                    found[name, owner_name, attribute] = value
    return found


def test_everything_is_attached_and_exactly_undone() -> None:
    """After uninstall every attribute is the very object that it was before."""
    before = attributes()
    path, sink = list(sys.meta_path), operation.set_sink(None)
    recorder = install()
    during = attributes()
    changed = {name for name in before if during[name] is not before[name]}
    assert {module for module, _, _ in changed} >= set(SEAMS) - set(UNSEEN)
    assert set(recorder.hooks) >= {"httplib2", "googleapiclient", "requests", "smtplib", "ldap3"}
    uninstall()
    after = attributes()
    assert [name for name in before if after.get(name) is not before[name]] == []
    assert set(after) == set(before)
    assert sys.meta_path == path
    assert operation.set_sink(sink) is None
    assert recorder.hooks == []


def test_installing_twice_changes_nothing() -> None:
    """The second install returns the recorder of the first; the second uninstall does nothing."""
    recorder = install()
    during = attributes()
    assert install(Recorder()) is recorder
    after = attributes()
    assert all(after[name] is during[name] for name in during)
    uninstall()
    uninstall()


def test_a_wrapper_put_around_ours_keeps_working_after_uninstall() -> None:
    """What somebody else wrapped meanwhile is left in place, and ours passes through."""
    import smtplib

    original = vars(smtplib.SMTP)["putcmd"]
    install()
    ours = smtplib.SMTP.putcmd
    said = []

    def theirs(self: Any, cmd: str, args: str = "") -> None:
        said.append(cmd)
        ours(self, cmd, args)

    smtplib.SMTP.putcmd = theirs  # type: ignore[method-assign]
    try:
        uninstall()
        assert smtplib.SMTP.putcmd is theirs
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtplib.SMTP().putcmd("noop")
        assert said == ["noop"]
    finally:
        smtplib.SMTP.putcmd = original  # type: ignore[method-assign]


def test_modules_imported_later_are_attached_then(tmp_path: Path) -> None:
    """A library that is imported after install is attached when its import is complete."""
    script = """
import sys
from tracer.capture.install import install, uninstall
assert "smtplib" not in sys.modules and "httpx" not in sys.modules
recorder = install()
import smtplib, httpx, requests, ldap3
wanted = {"smtplib", "httpx", "requests", "ews", "urllib3", "ldap3"}
assert wanted <= set(recorder.hooks), recorder.hooks
assert type(smtplib.__loader__).__name__ == "SourceFileLoader"
assert smtplib.__spec__.loader is smtplib.__loader__
assert hasattr(smtplib.SMTP.putcmd, "__wrapped__")
uninstall()
assert not hasattr(smtplib.SMTP.putcmd, "__wrapped__")
assert not hasattr(ldap3.Connection.bind, "__wrapped__")
"""
    done = python("-c", script, env=dict(os.environ))
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", UNSEEN)
def test_a_transport_that_cannot_be_seen_is_named(
    name: str, tmp_path: Path, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing one is a gap while debug is on, and a remark in the list of seams for later."""
    (tmp_path / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with recording(attach=False) as traced:
        recorder = install(traced.recorder)
        importlib.import_module(name)
        assert f"{name} (not recorded)" in recorder.hooks
        assert ("unseen-transport", f"{name} is not recorded") in traced.gaps()
        uninstall()
        assert recorder.hooks == []
    del sys.modules[name]


def test_the_readme_names_what_is_not_recorded() -> None:
    """The row of `tracer run` lists every library that a trace only names."""
    page = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if line.startswith("| `tracer run ")]
    recorded, _, named = row.partition("Only named: ")
    told = named.partition(";")[0].split(", ")
    assert told == sorted({*UNSEEN, "aiohttp", "imaplib", "poplib"})
    assert not set(told) & set(recorded.split(", "))


def test_threads_that_import_while_we_attach_do_not_wait_for_ever() -> None:
    """Attaching imports modules; whoever imports at the same time goes on."""
    script = """
import importlib, threading, sys
from tracer.capture.install import install
names = ["smtplib", "httpx", "requests", "ldap3", "googleapiclient.http", "httplib2", "urllib3"]
threads = [threading.Thread(target=importlib.import_module, args=(name,)) for name in names]
threads.insert(3, threading.Thread(target=install))
[thread.start() for thread in threads]
[thread.join() for thread in threads]
hooks = set(install().hooks)
assert {"smtplib", "httpx", "requests", "ldap3", "googleapiclient", "httplib2"} <= hooks, hooks
"""
    assert python("-c", script, env=dict(os.environ)).stderr == ""


def python(*words: str, env: dict[str, str], cwd: Path | None = None) -> Any:
    """Run Python to its end."""
    return subprocess.run(
        [sys.executable, *words], env=env, cwd=cwd, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


PROGRAM = """
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/json").read()
print("done")
"""


@pytest.mark.parametrize("how", ["script", "module", "command", "child"])
def test_a_program_that_knows_nothing_of_us_is_traced(
    how: str, tmp_path: Path, clean_environment: Path
) -> None:
    """A script, ``python -m``, ``-c`` and a child process attach themselves, and say nothing."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with serve() as web, recording(attach=False) as traced:
        words = {
            "script": [str(tmp_path / "program.py"), web.url],
            "module": ["-m", "program", web.url],
            "command": ["-c", PROGRAM, web.url],
            "child": ["-c", "import subprocess, sys; raise SystemExit(subprocess.call("
                      "[sys.executable, '-m', 'program', sys.argv[1]]))", web.url],
        }[how]  # fmt: skip
        done = python(*words, env=environment(os.environ), cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
        assert web.requests == ["GET /json"]
        [end] = [e for e in read(traced.path) if e["kind"] == "exchange" and e["phase"] == "end"]
        assert (end["status"], end["data"]["url"]) == (200, f"{web.url}/json")
        [start] = [e for e in read(traced.path) if e["kind"] == "process" and e["phase"] == "start"]
        assert "http.client" in start["data"]["hooks"]


def test_the_programs_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    """Ours makes way for one that stands later on the path; its errors stay its own."""
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.theirs = 42\n")
    env = environment({**os.environ, "PYTHONPATH": str(tmp_path)})
    assert env["PYTHONPATH"] == os.pathsep.join([str(STARTUP), str(tmp_path)])
    assert environment(env) == env
    script = (
        "import sitecustomize, sys; print(theirs, sitecustomize.__file__);"
        "assert not any('startup' in entry for entry in sys.path)"
    )
    done = python("-c", script, env=env)
    assert done.stdout == f"42 {tmp_path / 'sitecustomize.py'}\n"
    assert done.stderr == ""


@pytest.mark.parametrize("flag", ["-S", "-I", "-E"])
def test_interpreters_that_cannot_be_reached_run_untraced(flag: str) -> None:
    """Without site or PYTHONPATH the program runs as it always did."""
    done = python(flag, "-c", "print('done')", env=environment(os.environ))
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_broken_tracer_does_not_stop_the_program(tmp_path: Path) -> None:
    """When the tracer cannot be imported the program runs, and nothing is printed."""
    (tmp_path / "tracer").mkdir()
    (tmp_path / "tracer" / "__init__.py").write_text("raise RuntimeError('broken')")
    env = environment(os.environ)
    env["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = python("-c", "print('done')", env=env)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_operations_are_recorded_once_installed(clean_environment: Path) -> None:
    """install makes the recorder the sink of operations."""
    state, _ = control.turn_on("test")
    try:
        install()
        with operation.operation("send", "gmail"):
            pass
        uninstall()
    finally:
        control.turn_off()
    kinds = [(e["kind"], e["phase"]) for e in read(state.file)]
    assert ("operation", "end") in kinds
    assert ("process", "end") in kinds

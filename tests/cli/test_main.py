"""The root of the command line."""

import subprocess

import pytest

from tests.support.commands import BIN, run


@pytest.mark.parametrize(
    "words", [("--help",), ("on", "--help"), ("act", "send", "--help"), ("bundle", "--help")]
)
def test_help_is_there_for_every_level(words: tuple[str, ...]) -> None:
    """Each help names its own command in the usage line."""
    done = run("tracer", *words)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: tracer " + " ".join(words[:-1]))


def test_the_version_names_the_format() -> None:
    """Release and trace format are told apart."""
    assert "trace format 1" in run("tracer", "--version").stdout


def test_a_reader_that_has_enough_is_no_error() -> None:
    """A closed pipe ends the command quietly."""
    with subprocess.Popen(
        [BIN / "tracer", "act", "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        said = done.stderr.read()
        assert done.wait(60) == 0
    assert said == b""


def test_no_command_is_a_usage_error() -> None:
    """Exit code 2, and the usage."""
    done = run("tracer")
    assert done.returncode == 2
    assert "usage: tracer on" in done.stderr

"""`make upstream`: fetch the suites from PyPI, run them bare and hooked, compare, print a table."""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
CACHE = REPOSITORY / ".cache" / "upstream"
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python 3.11.4 and later unpack without trusting the names in an archive."""


@dataclass(frozen=True)
class Suite:
    """A distribution whose source archive carries its tests, and what they need beyond ours."""

    name: str
    tests: tuple[str, ...]
    needs: str
    """A key of `NEEDS`."""
    options: tuple[str, ...] = ()


NEEDS = {
    "google": ("mock", "parameterized", "flask", "pytest-localserver", "freezegun", "responses",
               "aioresponses", "pyu2f", "pytest-asyncio", "pytest==8.4.2"),
    "httplib2": ("pytest==8.2.2", "pytest-timeout==2.3.1"),
}  # fmt: skip

HTTPLIB2_PARTS = (
    "auth", "cacerts_from_env", "cache", "encoding", "http", "https", "other", "test_helpers",
    "uri", "proxy",
)  # fmt: skip
"""The proxies come last: they leave their settings in the environment."""

SUITES = (
    Suite("google-api-python-client", ("tests",), "google"),
    Suite("google-auth-httplib2", ("tests",), "google"),
    Suite(
        "google-auth",
        (
            "tests/transport/test_requests.py",
            "tests/transport/test_urllib3.py",
            "tests/transport/test__http_client.py",
            "tests/oauth2/test__client.py",
            "tests/oauth2/test_service_account.py",
            "tests/oauth2/test_credentials.py",
        ),
        "google",
    ),
    Suite(
        "httplib2",
        tuple(f"tests/test_{part}.py" for part in HTTPLIB2_PARTS),
        "httplib2",
        ("--noconftest", "-p", "pytest_timeout"),
    ),
)


@dataclass(frozen=True)
class Result:
    """What one run said: counts by outcome, the tests that did not pass, what was recorded."""

    outcomes: dict[str, int]
    unhappy: frozenset[str]
    recorded: dict[str, int]
    seconds: float
    output: str


def main() -> int:
    """Run all suites; return 1 when hooks made a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    parser.add_argument("suites", nargs="*", help="names of distributions; all by default")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the downloads")
    chosen = parser.parse_args()
    suites = [suite for suite in SUITES if not chosen.suites or suite.name in chosen.suites]
    folder = chosen.cache.absolute()
    prepare(folder, suites)
    jobs = [(suite, hooked) for suite in suites for hooked in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(jobs, pool.map(lambda job: run(folder, *job), jobs), strict=True))
    for suite in suites:
        if difference(suite, results):  # their tests race too: ours is what stays, and alone
            say(f"once more, one after the other: {suite.name} {difference(suite, results)}")
            results.update(
                {(suite, hooked): run(folder, suite, hooked) for hooked in (False, True)}
            )
    return report(suites, results)


def prepare(folder: Path, suites: list[Suite]) -> None:
    """Download and unpack the sources, and install what their tests import."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        part = Path(scratch)  # what is moved from here is whole, whatever interrupts us
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
        if importlib.util.find_spec("pip") is None:  # uv makes environments without it
            venv.create(part / "env", with_pip=True)
            scripts = "Scripts" if sys.platform == "win32" else "bin"
            pip[0] = str(part / "env" / scripts / "python")
        for suite in suites:
            sources, extra = source(folder, suite), needed(folder, suite)
            if not sources.exists():
                only_source = ["--no-deps", "--no-binary", ":all:"]
                wanted = f"{suite.name}=={version(suite.name)}"
                subprocess.run([*pip, "download", "-d", scratch, *only_source, wanted], check=True)
                with tarfile.open(part / f"{sources.name}.tar.gz") as packed:
                    packed.extractall(part, **SAFELY)
                (part / sources.name).rename(sources)
            if not extra.exists():
                needs = NEEDS[suite.needs]
                subprocess.run([*pip, "install", "--target", scratch + "/new", *needs], check=True)
                (part / "new").rename(extra)


def source(folder: Path, suite: Suite) -> Path:
    """Return where the unpacked sources of a suite are."""
    return folder / f"{suite.name.replace('-', '_')}-{version(suite.name)}"


def needed(folder: Path, suite: Suite) -> Path:
    """Return where the packages are that a suite needs beyond ours; some are for one Python."""
    return folder / f"{suite.needs}-{sys.implementation.cache_tag}"


def run(folder: Path, suite: Suite, hooked: bool) -> Result:
    """Run one suite in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tracer-upstream-") as scratch:
        return _run(folder, Path(scratch), suite, hooked)


def _run(folder: Path, scratch: Path, suite: Suite, hooked: bool) -> Result:
    counts = scratch / "counts.json"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("TRACER_")},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (needed(folder, suite), HERE))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TRACER_HOME": str(scratch / "home"),
        "TRACER_REPOSITORY": str(REPOSITORY),
        "TRACER_COUNTS": str(counts),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-c", os.devnull]
    command += ["--rootdir", ".", "-p", "no:cacheprovider", *suite.options, *suite.tests]
    if hooked:
        command[3:3] = ["-p", "hooked"]
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=source(folder, suite), env=environment, capture_output=True, text=True,
        errors="replace", timeout=900, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    recorded = json.loads(counts.read_text(encoding="utf-8")) if counts.exists() else {}
    return Result(*read(done.stdout), recorded, seconds, done.stdout[-6000:] + done.stderr[-2000:])


OUTCOME = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")


def read(output: str) -> tuple[dict[str, int], frozenset[str]]:
    """Return the counts of pytest's last line, and the tests it lists as failed."""
    last = output.strip().splitlines()[-1] if output.strip() else ""
    outcomes = {
        word.rstrip("s") if word.startswith("error") else word: int(number)
        for number, word in OUTCOME.findall(last)
    }
    return outcomes, frozenset(re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE))


def difference(suite: Suite, results: dict[tuple[Suite, bool], Result]) -> str:
    """Return what the hooks changed, or why the run proves nothing; empty: all is well."""
    bare, hooked = results[suite, False], results[suite, True]
    if bare.outcomes != hooked.outcomes or bare.unhappy != hooked.unhappy:
        return f"{bare.outcomes} and {hooked.outcomes}: {sorted(bare.unhappy ^ hooked.unhappy)}"
    if not bare.outcomes.get("passed"):
        return "no test has passed"
    if not hooked.recorded or hooked.recorded.get("internal-error"):
        return f"recorded: {hooked.recorded}"
    return ""


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(suites: list[Suite], results: dict[tuple[Suite, bool], Result]) -> int:
    """Print the table and what differs; return the exit code."""
    say(f"{'suite':<34}{'bare':<45}{'hooked':<45}{'recorded':<58}{'s':>9}")
    code = 0
    for suite in suites:
        bare, hooked = results[suite, False], results[suite, True]
        label = f"{suite.name} {version(suite.name)}"
        shown = [
            " ".join(f"{n} {word}" for word, n in each.outcomes.items()) for each in (bare, hooked)
        ]
        recorded = ", ".join(f"{n} {kind}" for kind, n in sorted(hooked.recorded.items())[:4])
        seconds = f"{bare.seconds:.0f}/{hooked.seconds:.0f}"
        say(f"{label:<34}{shown[0]:<45}{shown[1]:<45}{recorded:<58}{seconds:>9}")
        if told := difference(suite, results):
            code = 1
            say(f"  DIFFERENT: {told}")
            say(hooked.output)
    return code


if __name__ == "__main__":
    sys.exit(main())

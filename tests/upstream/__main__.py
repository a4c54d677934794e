"""`make upstream`: fetch the suites from PyPI, run them bare and hooked, compare, print a table."""

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


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
        (
            *(
                f"tests/test_{part}.py"
                for part in ("auth", "cacerts_from_env", "cache", "encoding")
            ),
            *(
                f"tests/test_{part}.py"
                for part in ("http", "https", "other", "test_helpers", "uri")
            ),
            "tests/test_proxy.py",  # last: it leaves the proxy settings behind
        ),
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
    parser.add_argument("--cache", type=Path, help="keep and reuse the downloads in this folder")
    chosen = parser.parse_args()
    suites = [suite for suite in SUITES if not chosen.suites or suite.name in chosen.suites]
    with tempfile.TemporaryDirectory(prefix="tracer-upstream-") as scratch:
        folder = chosen.cache or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder, suites)
        jobs = [(suite, hooked) for suite in suites for hooked in (False, True)]
        with ThreadPoolExecutor(2) as pool:
            done = pool.map(lambda job: run(folder, Path(scratch), *job), jobs)
            results = dict(zip(jobs, done, strict=True))
    return report(suites, results)


def prepare(folder: Path, suites: list[Suite]) -> None:
    """Download and unpack the sources, and install what their tests import."""
    environment = folder / "env"
    if not (environment / "bin").exists() and not (environment / "Scripts").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    for suite in suites:
        if not source(folder, suite).exists():
            wanted = f"{suite.name}=={version(suite.name)}"
            only_source = ["--no-deps", "--no-binary", ":all:"]
            subprocess.run([*pip, "download", *only_source, "-d", str(folder), wanted], check=True)
            archive = source(folder, suite).with_name(source(folder, suite).name + ".tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        extra = folder / suite.needs
        if not extra.exists():
            needs = NEEDS[suite.needs]
            subprocess.run([*pip, "install", "--target", str(extra), *needs], check=True)


def source(folder: Path, suite: Suite) -> Path:
    """Return where the unpacked sources of a suite are."""
    return folder / f"{suite.name.replace('-', '_')}-{version(suite.name)}"


def run(folder: Path, scratch: Path, suite: Suite, hooked: bool) -> Result:
    """Run one suite in a process of its own."""
    name = f"{suite.name}-{'hooked' if hooked else 'bare'}"
    home, counts = scratch / f"{name}-home", scratch / f"{name}.json"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("TRACER_")},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (folder / suite.needs, HERE))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TRACER_HOME": str(home),
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
        for number, word in re.findall(
            r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)", last
        )
    }
    return outcomes, frozenset(re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE))


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(suites: list[Suite], results: dict[tuple[Suite, bool], Result]) -> int:
    """Print the table and what differs; return the exit code."""
    say(f"{'suite':<34}{'bare':<36}{'hooked':<36}{'recorded':<58}{'s':>9}")
    code = 0
    for suite in suites:
        bare, hooked = results[suite, False], results[suite, True]
        label = f"{suite.name} {version(suite.name)}"
        shown = [
            " ".join(f"{n} {word}" for word, n in each.outcomes.items()) for each in (bare, hooked)
        ]
        recorded = ", ".join(f"{n} {kind}" for kind, n in sorted(hooked.recorded.items())[:4])
        seconds = f"{bare.seconds:.0f}/{hooked.seconds:.0f}"
        say(f"{label:<34}{shown[0]:<36}{shown[1]:<36}{recorded:<58}{seconds:>9}")
        same = bare.outcomes == hooked.outcomes and bare.unhappy == hooked.unhappy
        seen = hooked.recorded and not hooked.recorded.get("internal-error")
        if not (same and bare.outcomes.get("passed") and seen):
            code = 1
            say(f"  DIFFERENT: {sorted(bare.unhappy ^ hooked.unhappy)} {hooked.recorded}")
            say(hooked.output)
    return code


if __name__ == "__main__":
    sys.exit(main())

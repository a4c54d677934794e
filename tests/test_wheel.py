"""The wheel holds all that the commands need: they run from it, away from the source."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that is installed, and unpack it."""
    out = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build as b; print(b.build_wheel({str(out)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    unpacked = out / "unpacked"
    with zipfile.ZipFile(out / done.stdout.splitlines()[-1]) as packed:
        packed.extractall(unpacked)
    return unpacked


def python(wheel: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the unpacked wheel before everything else."""
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    return subprocess.run(
        [sys.executable, *words], cwd=wheel.parent, env=environment, capture_output=True, text=True,
        check=False, timeout=250,
    )  # fmt: skip


def test_nothing_but_our_packages_is_in_it(wheel: Path) -> None:
    """Two packages and the metadata; no tests, no samples."""
    names = {path.name for path in wheel.iterdir()}
    assert {"tracer", "viewer"} < names
    assert [name for name in names if not name.endswith(".dist-info")] in (
        ["tracer", "viewer"],
        ["viewer", "tracer"],
    )


def test_all_data_files_ship(wheel: Path) -> None:
    """Whatever is no Python file in the source is in the wheel too."""
    for package in ("tracer", "viewer"):
        wanted = {
            path.relative_to(ROOT)
            for path in (ROOT / package).rglob("*")
            if path.is_file() and path.suffix not in {".py", ".pyc"}
        }
        assert {path for path in wanted if not (wheel / path).is_file()} == set()


def test_the_commands_run_from_it(wheel: Path, tmp_path: Path) -> None:
    """The report of a session is printed by the wheel's own code, in French too."""
    build = TraceBuilder()
    with build.operation("send", "gmail"):
        build.call("gmail.users.messages.send", "gmail", 403)
    trace = build.write(tmp_path / "t.jsonl")
    where = python(
        wheel, "-c", "import viewer.cli, tracer; print(viewer.cli.__file__, tracer.__file__)"
    )
    assert where.stdout.count(str(wheel)) == 2
    code = "import sys; from viewer.cli import main; sys.exit(main())"
    shown = python(wheel, "-c", code, str(trace), "--report", "--lang", "fr")
    assert "gmail.users.messages.send" in shown.stdout
    assert shown.stderr == ""

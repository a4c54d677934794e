"""The arrows of ARCHITECTURE.md, proved in fresh interpreters: what is really loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def loaded_by(code: str) -> set[str]:
    """Run `code` in a fresh interpreter and return the names of all modules it loaded."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}  # it loads much
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=plain,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules(package: str) -> list[str]:
    """Return the dotted names of every module below `package`."""
    folder = ROOT / package.replace(".", "/")
    files = [folder.with_suffix(".py")] if not folder.is_dir() else sorted(folder.rglob("*.py"))
    names = (".".join(f.relative_to(ROOT).with_suffix("").parts) for f in files)
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def import_all(*packages: str) -> str:
    """Return code that imports every module of `packages`."""
    return "\n".join(f"import {name}" for package in packages for name in modules(package))


@pytest.mark.parametrize("root", ["tracer", "viewer"])
def test_a_package_root_imports_nothing(root: str) -> None:
    """Importing the root loads the root alone."""
    loaded = loaded_by(f"import {root}")
    assert {name for name in loaded if name.split(".")[0] in {"tracer", "viewer"}} == {root}


def test_tracer_is_headless() -> None:
    """Everything of tracer is loaded, and no viewer, Textual or Rich with it."""
    loaded = {name.split(".")[0] for name in loaded_by(import_all("tracer"))}
    assert not loaded & {"viewer", "textual", "rich"}


def test_the_format_stands_alone() -> None:
    """The format needs the standard library and orjson."""
    before = loaded_by("import orjson, random")
    loaded = loaded_by(import_all("tracer.schema")) - before
    own = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in own if name != "tracer" and not name.startswith("tracer.schema")} <= {
        name for name in own if name.startswith("orjson")
    }


def test_capture_and_protocol_do_not_know_each_other() -> None:
    """Either can be loaded whole without a trace of the other."""
    assert not {n for n in loaded_by(import_all("tracer.capture")) if "tracer.protocol" in n}
    assert not {n for n in loaded_by(import_all("tracer.protocol")) if "tracer.capture" in n}


_NOT_HEADLESS = {"tui", "locales", "__init__", "__pycache__"}


def test_only_the_tui_loads_textual() -> None:
    """Model, reports, exports, ticket and command line work without Textual or Rich."""
    rooms = [
        f"viewer.{path.stem}"
        for path in (ROOT / "viewer").iterdir()
        if (path.is_dir() or path.suffix == ".py") and path.stem not in _NOT_HEADLESS
    ]
    loaded = {name.split(".")[0] for name in loaded_by(import_all(*rooms))}
    assert not loaded & {"textual", "rich"}


def test_the_viewer_never_loads_a_google_client() -> None:
    """Facts of the discovery documents are recorded, not looked up."""
    loaded = loaded_by(import_all("viewer"))
    assert not {
        n
        for n in loaded
        if n.split(".")[0] in {"googleapiclient", "httplib2", "google_auth_httplib2"}
    }
    doors = {n for n in loaded if n.startswith("tracer.") and n.count(".") == 1}
    assert doors <= {"tracer.schema", "tracer.control", "tracer.i18n", "tracer.protocol"}
    pure = {f"tracer.protocol.{name}" for name in ("resolution", "identity", "steps")}
    assert {n for n in loaded if n.startswith("tracer.protocol.")} <= pure


def test_the_resolution_is_pure() -> None:
    """The rules load without any I/O library of the layer."""
    loaded = loaded_by("import tracer.protocol.resolution")
    assert not {n.split(".")[0] for n in loaded} & {"googleapiclient", "httplib2", "ssl", "socket"}


def test_no_file_is_past_400_lines() -> None:
    """A longer file wants a split."""
    long = {
        str(path.relative_to(ROOT)): count
        for package in ("tracer", "viewer", "samples")
        for path in (ROOT / package).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}

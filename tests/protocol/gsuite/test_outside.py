"""The layer against other people's servers: `emulate`'s Gmail, and Prism on Google's own document.

Tokens come from the stand-in, because neither knows the service account's grant.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from googleapiclient.discovery_cache import DISCOVERY_DOC_DIR

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Layer
from tests.protocol.gsuite.switchboard import switchboard
from tests.support.outside import needs
from tracer.operation import operation
from tracer.protocol.errors import ServiceError
from tracer.protocol.gsuite.attributes import Attributes
from tracer.protocol.gsuite.directory import Directory
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail
from tracer.protocol.steps import Rule

HERE = Path(__file__).parent
NODE = shutil.which("node") if shutil.which("npm") else None
PAINS = Identity("LESPETITSPAINS", "", "Dupond@soc-windows.com")

pytestmark = [pytest.mark.outside, pytest.mark.timeout(400), needs(NODE, "node with npm")]

Packages = Callable[..., Path]
Opened = Callable[[dict[str, str]], AbstractContextManager[Layer]]


@pytest.fixture(scope="module")
def packages(request: pytest.FixtureRequest) -> Packages:
    """Return what installs npm packages, once, into pytest's cache, and returns their folder."""
    folder = Path(request.config.cache.mkdir("npm"))

    def install(*names: str) -> Path:
        target = folder / names[0].replace("/", "-").replace("@", "")
        done = target / "installed"
        if not done.exists():
            target.mkdir(exist_ok=True)
            words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *names]
            run = subprocess.run(words, cwd=target, capture_output=True, text=True, check=False)
            if run.returncode:
                missing = pytest.fail if os.environ.get("CI") else pytest.skip
                missing(f"npm cannot install {names[0]}: {run.stderr.strip()[-200:]}")
            done.touch()
        return target / "node_modules"

    return install


@contextmanager
def serving(words: list[str | Path], port: int, cwd: Path) -> Iterator[str]:
    """Run a server until it listens on `port` of loopback; yield its URL."""
    log = (cwd / "server.log").open("wb")
    with log, subprocess.Popen(words, stdout=log, stderr=log, cwd=cwd) as process:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 0.2).close()
                    break
                except OSError:
                    assert process.poll() is None, (cwd / "server.log").read_text()
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def opened(box: Sandbox, layers: Callable[..., Layer]) -> Opened:
    """Return what opens a layer whose paths go to other servers, the rest to the stand-in."""

    @contextmanager
    def start(routes: dict[str, str]) -> Iterator[Layer]:
        with switchboard({"/": box.url, **routes}) as origin:
            layer = layers(endpoint=origin)
            yield layer
            layer.close()

    return start


def test_gmail_of_emulate(opened: Opened, packages: Packages, tmp_path: Path) -> None:
    """Send as JSON and by upload, read back whole, byte for byte: all on emulate.

    Its search for a Message-ID never finds anything (0.11.2), so that part is the stand-in's alone.
    """
    found = packages("emulate@0.11.2")
    seed = tmp_path / "seed.yaml"
    seed.write_text("google:\n  users:\n    - email: dupond@lespetitspains.com\n", encoding="utf-8")
    port = free_port()
    words: list[str | Path] = [
        "node", "--require", HERE / "loopback_only.cjs", found / "emulate/dist/index.js",
        "start", "-s", "google", "-p", str(port), "--seed", seed,
    ]  # fmt: skip
    with serving(words, port, tmp_path) as url, opened({"/gmail": url, "/upload": url}) as layer:
        for size in (1_000, 3_200_000):
            content = bytes(range(251)) * (size // 251)
            mail = Mail(
                to=("client@example.com",),
                subject="Été",
                text="Prêt à l'envoi",
                attachments=(Attachment("pièce.pdf", content),),
            )
            sent = layer.send(mail, PAINS)
            assert (sent.account, sent.found) == ("dupond@lespetitspains.com", False)
            with layer.mailbox(PAINS) as (mailbox, _):
                read = mailbox.read(sent.id, "utf-8")
            assert read.headers["Subject"] == "Été"
            assert read.text.strip() == "Prêt à l'envoi"
            assert [(one.name, one.content) for one in read.attachments] == [("pièce.pdf", content)]


def test_the_directory_requests_are_googles(
    opened: Opened, packages: Packages, tmp_path: Path
) -> None:
    """Prism, strict, on Google's own document finds nothing wrong with any Directory request.

    A wrong one is answered 422, a right one 200; the 200 is empty, which the layer calls no JSON.
    """
    found = packages("@stoplight/prism-cli@5.14.2", "google-discovery-to-swagger@2.1.0")
    document = Path(DISCOVERY_DOC_DIR, "admin.directory_v1.json")
    swagger = tmp_path / "directory.json"
    code = (
        "const [from, to, library] = process.argv.slice(1);"
        "const fs = require('node:fs');"
        "const google = JSON.parse(fs.readFileSync(from, 'utf8'));"
        "const swagger = { ...require(library).convert(google), consumes: ['application/json'] };"
        "fs.writeFileSync(to, JSON.stringify(swagger));"
    )
    library = found / "google-discovery-to-swagger"
    words: list[str | Path] = ["node", "-e", code, document, swagger, library]
    subprocess.run(words, check=True, capture_output=True)
    port = free_port()
    words = [
        "node", found / "@stoplight/prism-cli/dist/index.js",
        "mock", "-h", "127.0.0.1", "-p", str(port), "--errors", swagger,
    ]  # fmt: skip
    with serving(words, port, tmp_path) as url, opened({"/admin": url}) as layer:
        http = layer.google.directory()._http
        wrong, _ = http.request(url + "/admin/directory/v1/users?maxResults=x", "GET")
        assert wrong.status == 422
        with operation("attributes", "directory") as op:
            directory = Directory(layer.google, layer.settings.rules, op)
            attributes = Attributes(layer.google, op, apply=True)
            schema = {"fields": [{"fieldName": "x"}]}
            identity = Identity("ERP215", "", r"SOC\o'brien")
            for ask in (
                lambda: directory.by_address("dupond@masoc.com"),
                lambda: directory.by_rule(Rule.ENV, identity),
                directory.everybody,
                attributes.create,
                lambda: attributes._insert(["DivaltoInfinityWinAccount"]),
                lambda: attributes._complete(schema, ["DivaltoInfinityWinAccount"]),
                lambda: attributes._write("dupond@masoc.com", "x", [{"value": "y"}]),
            ):
                with pytest.raises(ServiceError, match="not JSON") as caught:
                    ask()
                assert caught.value.status == 200

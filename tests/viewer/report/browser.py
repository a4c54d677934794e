"""A headless Chromium with a page open, spoken to over its DevTools protocol."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """One tab. Keeps what the page said on the console, what went wrong, what it asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.loaded = asyncio.Event()

    async def listen(self) -> None:
        """Sort what the browser sends until it goes."""
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                self._answers.pop(data["id"]).set_result(data)
            else:
                self._note(data["method"], data["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded.set()
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" or (
            method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning"}
        ):
            self.problems.append(json.dumps(params))

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Do `method` and return its result."""
        self._number += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        done = await asyncio.wait_for(answer, 60)
        assert "error" not in done, done
        result: dict[str, Any] = done["result"]
        return result

    async def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression, waiting for it if it is a promise."""
        result = await self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true and return its value."""
        for _ in range(600):
            value = await self.run(script)
            if value:
                return value
            await asyncio.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    async def open(self, path: Path) -> None:
        """Load a file and wait for it."""
        self.loaded.clear()
        await self.send("Page.navigate", url=path.as_uri())
        await asyncio.wait_for(self.loaded.wait(), 60)


@asynccontextmanager
async def page(start: str = "about:blank") -> AsyncIterator[Page]:
    """Start the browser and give its page, which is at `start`."""
    assert CHROMIUM, "Chromium is needed in CI: apt-get install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--remote-debugging-port=0",
            f"--user-data-dir={profile}", "--window-size=1400,900", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{port}/json/new?{start}"
                async with session.put(url) as answer:
                    tab = await answer.json()
                async with session.ws_connect(
                    tab["webSocketDebuggerUrl"], max_msg_size=0
                ) as socket:
                    found = Page(socket)
                    listening = asyncio.create_task(found.listen())
                    for domain in ("Page", "Runtime", "Log", "Network"):
                        await found.send(f"{domain}.enable")
                    yield found
                    listening.cancel()
        finally:
            process.terminate()
            await process.wait()


async def _port(path: Path) -> int:
    for _ in range(600):
        if path.exists() and (lines := path.read_text().splitlines()):
            return int(lines[0])
        await asyncio.sleep(0.05)
    raise AssertionError("Chromium did not start")

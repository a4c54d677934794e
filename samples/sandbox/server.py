"""The stand-in itself: real HTTP/1.1 on loopback, in a thread of its own."""

import asyncio
import gzip
import itertools
import threading
from contextlib import suppress
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import orjson
from aiohttp import web

from samples.sandbox import control, keys
from samples.sandbox.dispatch import answer
from samples.sandbox.faults import Fault
from samples.sandbox.methods import APIS, document
from samples.sandbox.routes import Route, identify
from samples.sandbox.state import Sent, State
from samples.sandbox.wire import Json, Reply, Request, Seen
from samples.sandbox.world import World
from samples.servers.closing import hang_up

GZIP_FROM = 512
"""Bytes from which a body is compressed for a client that accepts it."""


class _Server(web.Server):
    """Knows each connection until it is lost: closing one in TLS waits for the other side."""

    def __init__(self, handler: Any, **options: Any) -> None:
        super().__init__(handler, **options)
        self._transports: dict[web.RequestHandler, asyncio.Transport] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._transports[handler] = transport

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._transports.pop(handler, None)

    async def hang_up(self) -> None:
        """End all connections, those in their handshake included."""
        self.pre_shutdown()
        await self.shutdown(0.1)
        await hang_up(lambda: list(self._transports.values()))


class Sandbox:
    """A Google Workspace stand-in; everything (API, upload, batch, token, EWS) on one origin.

    Use it as a context manager. `world` may be changed while it runs.
    """

    def __init__(self, world: World, *, tls: bool = False, port: int = 0) -> None:
        self.world = world
        self._tls = tls
        self._port = port
        self._state = State(world)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._server: _Server | None = None
        self._listening: asyncio.Server | None = None
        self._connections: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._connection_ids = itertools.count(1)
        self._stopping = asyncio.Event()

    # --- what tests and people use ------------------------------------------------------------

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Seen]:
        """What arrived, in order. A request is here before its answer leaves."""
        return self._state.requests

    @property
    def sent(self) -> list[Sent]:
        """The messages accepted for sending, in order."""
        return self._state.sent

    def key_file(self, path: Path | str) -> Path:
        """Write the service account's JSON key file to `path` and return it."""
        target = Path(path)
        info = keys.key_info(self.world.service_account, self.url)
        target.write_bytes(orjson.dumps(info, option=orjson.OPT_INDENT_2))
        return target

    def ca_file(self, path: Path | str) -> Path:
        """Write the certificate that clients of ``tls=True`` must trust."""
        target = Path(path)
        target.write_bytes(keys.certificate()[0])
        return target

    def fault(
        self, name: str, times: int | None = None, match: str | None = None, **options: Any
    ) -> Fault:
        """Switch a fault on, see `faults.TABLE`.

        Args:
            name: A name of the table.
            times: How many requests it hits; 0: until cleared; None: as the table says.
            match: A pattern on the method id, or on ``method id#kind`` with the kinds of
                `wire.Reply.kind`.
            options: The table's options of this fault: ``ms``, ``seconds``.

        Raises:
            ValueError: For an unknown name or option.
        """
        return self._state.faults.add(name, times, match, **options)

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self._state.faults.clear()

    def revoke_tokens(self) -> None:
        """Forget every access token: the next call with an old one gets a real 401."""
        self._state.tokens.revoke_all()

    def expire_sync_tokens(self) -> None:
        """Make every calendar sync token given out so far too old (410)."""
        self._state.sync_tokens.clear()

    def token(self, subject: str | None, *scopes: str) -> str:
        """Give out an access token without the endpoint, for clients that want none of it."""
        return self._state.tokens.issue(subject, frozenset(scopes))

    def document(self, name: str, version: str | None = None) -> Json:
        """Return Google's discovery document of an API, every address in it on this origin."""
        found = document(name, version or APIS[name])
        found["rootUrl"] = self.url + "/"
        found["baseUrl"] = found["rootUrl"] + found["servicePath"]
        return found

    # --- life ---------------------------------------------------------------------------------

    def __enter__(self) -> "Sandbox":
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._server = _Server(self._serve, keepalive_timeout=75.0)
        context = keys.server_context() if self._tls else None
        self._listening = await self._loop.create_server(
            self._server,
            "127.0.0.1",
            self._port,
            ssl=context,
            ssl_shutdown_timeout=0.2 if context else None,
        )
        self._port = self._listening.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._stopping.set()
        assert self._server is not None
        assert self._listening is not None
        # Before Python 3.12 asyncio loses what it has accepted in the moment of closing.
        with suppress(NotImplementedError):  # Windows accepts in another way
            for each in self._listening.sockets:
                self._loop.remove_reader(each.fileno())
        await asyncio.sleep(0)
        self._listening.close()
        await self._server.hang_up()

    # --- one request --------------------------------------------------------------------------

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        try:
            request = await self._read(incoming)
        except ConnectionResetError:  # the client thought better of it, in the middle of a body
            return web.Response(status=499)
        if request.path.startswith("/_sandbox"):
            return self._respond(control.answer(self._state, request), request)
        route = identify(request)
        faults = self._state.faults.take(route.id, route.kind, "wire")
        names = {fault.name for fault in faults}
        reply: Reply | None = None
        if not names & {"drop-before", "hang-before"}:
            reply = answer(self._state, request, route)
        dropped = reply is None or names & {"drop-after", "hang"}
        self._record(incoming, request, route, None if dropped else reply, reply, faults)
        if dropped or reply is None:
            return await self._no_answer(incoming, hang=bool(names & {"hang", "hang-before"}))
        return await self._transmit(incoming, request, reply, faults)

    async def _read(self, incoming: web.BaseRequest) -> Request:
        body = b"".join([chunk async for chunk in incoming.content.iter_any()])
        headers = {name.lower(): text for name, text in incoming.headers.items()}
        verb, target = incoming.method, incoming.raw_path
        received = len(body), sha256(body).hexdigest()
        if headers.get("x-http-method-override", "").upper() == "GET" and verb == "POST":
            verb, target, body = "GET", f"{target.partition('?')[0]}?{body.decode()}", b""
        return Request(verb, target, headers, body, self.url, received=received)

    def _record(
        self,
        incoming: web.BaseRequest,
        request: Request,
        route: Route,
        answered: Reply | None,
        reply: Reply | None,
        faults: list[Fault],
    ) -> None:
        url = urlsplit(request.target)
        transport = incoming.transport
        self._state.requests.append(
            Seen(
                n=len(self._state.requests) + 1,
                method=request.method,
                path=url.path,
                query=url.query,
                method_id=route.id,
                kind=route.kind,
                status=answered.status if answered else None,
                size=request.received[0],
                digest=request.received[1],
                connection=self._connection(transport),
                subject=reply.subject if reply else None,
                faults=(reply.faults if reply else ()) + tuple(f.name for f in faults),
                parts=reply.parts if reply else (),
            )
        )

    def _connection(self, transport: object) -> int:
        if transport is None:
            return 0
        if transport not in self._connections:
            self._connections[transport] = next(self._connection_ids)
        return self._connections[transport]

    async def _no_answer(self, incoming: web.BaseRequest, *, hang: bool) -> web.StreamResponse:
        """Close the connection, at once or, hanging, when the client or the sandbox gives up."""
        transport = incoming.transport
        if hang:
            while transport is not None and not transport.is_closing():
                if self._stopping.is_set():
                    break
                await asyncio.sleep(0.05)
        if transport is not None:
            transport.close()
        return web.Response(status=499)

    async def _transmit(
        self, incoming: web.BaseRequest, request: Request, reply: Reply, faults: list[Fault]
    ) -> web.StreamResponse:
        named = {fault.name: fault for fault in faults}
        if "slow" in named:
            await asyncio.sleep(named["slow"].options["ms"] / 1000)
        if "truncated-json" in named:
            reply.body = reply.body[: len(reply.body) // 2]
        response = self._respond(reply, request, always_gzip="gzip" in named)
        if "slow-body" not in named:
            return response
        return await _in_halves(incoming, response, named["slow-body"].options["ms"] / 1000)

    def _respond(
        self, reply: Reply, request: Request, *, always_gzip: bool = False
    ) -> web.Response:
        now = self.world.now() + request.shift
        headers = {
            "Date": formatdate(now, usegmt=True),
            "Server": "ESF",
            "Vary": "Origin, X-Origin, Referer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "SAMEORIGIN",
            "X-XSS-Protection": "0",
            **reply.headers,
        }
        body = reply.body
        accepted = "gzip" in request.headers.get("accept-encoding", "")
        if body and (always_gzip or (accepted and len(body) >= GZIP_FROM)):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        return web.Response(status=reply.status, reason=reply.reason, body=body, headers=headers)


async def _in_halves(
    incoming: web.BaseRequest, response: web.Response, seconds: float
) -> web.StreamResponse:
    body = response.body
    assert isinstance(body, bytes)
    stream = web.StreamResponse(
        status=response.status, reason=response.reason, headers=response.headers
    )
    stream.content_length = len(body)
    await stream.prepare(incoming)
    await stream.write(body[: len(body) // 2])
    await asyncio.sleep(seconds)
    await stream.write(body[len(body) // 2 :])
    await stream.write_eof()
    return stream

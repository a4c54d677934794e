"""The API clients: one endpoint, one way out, retries only where nothing can happen twice."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import google_auth_httplib2
import httplib2
from googleapiclient import discovery, discovery_cache
from googleapiclient.http import HttpRequest

from tracer.protocol.errors import ServiceError, SettingsError
from tracer.protocol.gsuite.credentials import Tokens, read_key, scope_for
from tracer.protocol.gsuite.failures import TRANSPORT, explain, is_limit, retry_time
from tracer.protocol.settings import Settings

PATIENCE: Final = 60.0
"""Seconds that a call waits at most for a time to come back; later ones become an error."""

IDLE: Final = 30.0
"""Seconds after which a connection kept open counts as stale for what must not be sent twice."""

_APIS: Final = {"admin": "directory_v1", "gmail": "v1", "people": "v1", "calendar": "v3"}


HttpFactory = Callable[..., httplib2.Http]
"""Makes a transport; takes the keyword arguments of ``httplib2.Http``."""


class Patient(google_auth_httplib2.AuthorizedHttp):  # type: ignore[misc]  # untyped library
    """Repeats what can be repeated: reads, and writes that set rather than add.

    It sits below the call, so that each try is an exchange of the same call. A POST is never
    repeated, nor a part of an upload, nor anything before the time that an answer names.
    """

    def __init__(
        self, credentials: Any, http: httplib2.Http, retries: int, sleep: Callable[[float], None]
    ) -> None:
        super().__init__(credentials, http=http)
        self._retries = retries
        self._sleep = sleep

    def request(  # the signature of httplib2.Http.request
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> tuple[httplib2.Response, bytes]:
        """Make a request, again if need be and if it does no harm."""
        replayed = "_credential_refresh_attempt" in options
        tries = 0 if replayed or not _repeatable(method, headers or {}) else self._retries
        for attempt in range(tries + 1):
            pause = random.uniform(0.5, 1.0) * 2.0**attempt  # noqa: S311 - spreads, hides nothing
            try:
                response, content = super().request(uri, method, body, headers, **options)
            except TRANSPORT:
                if attempt == tries:
                    raise
            else:
                wait = _wait(response, content, pause)
                if attempt == tries or wait is None:
                    return response, content
                pause = wait
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def _repeatable(method: str, headers: Mapping[str, str]) -> bool:
    names = {name.lower(): value for name, value in headers.items()}
    if "content-range" in names:
        return False  # a part of an upload: the upload asks how far it got
    return method in {"GET", "HEAD", "PUT", "DELETE"} or (
        names.get("x-http-method-override") == "GET"
    )


def _wait(response: httplib2.Response, content: bytes, pause: float) -> float | None:
    """Return the seconds to wait before another try; None: no other try."""
    if is_limit(response.status, content):
        now = datetime.now(UTC)
        until = retry_time(response, content, now)
        if until is None:
            return pause
        seconds = max(0.0, (until - now).total_seconds())
        return seconds if seconds <= PATIENCE else None
    return pause if response.status >= 500 else None


class Google:
    """The API clients of one service account. Not for several threads at once (httplib2 is not).

    Args:
        settings: Which key, endpoint, proxy, scopes.
        http: Makes the transport; the capture's own, to record.
        request_builder: ``build(requestBuilder=…)``; the capture's own, to record.
        sleep: Waits, seconds.
    """

    def __init__(
        self,
        settings: Settings,
        http: HttpFactory = httplib2.Http,
        request_builder: Any = HttpRequest,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.sleep = sleep
        self._builder = request_builder
        self._endpoint = settings.options.endpoint.rstrip("/")
        key = read_key(settings.options.service_account_file)
        self.tokens = Tokens(key, f"{self._endpoint}/token" if self._endpoint else "")
        self.http = http(**transport_options(settings))
        # a 308 is an upload's "go on", not a redirect
        self.http.redirect_codes = self.http.redirect_codes - {308}
        self._services: dict[tuple[str, str, frozenset[str]], Any] = {}
        self._used = 0.0

    def service(self, api: str, subject: str, *purposes: str) -> Any:
        """Return the client of `api` (``gmail``, ``admin``, …) that acts for `subject`.

        The token holds a scope for each of the `purposes`, keys of `credentials.NEEDS`.
        """
        delegated = self.settings.options.scopes
        scopes = frozenset(scope_for(purpose, delegated) for purpose in purposes)
        key = api, subject, scopes
        if key not in self._services:
            credentials = self.tokens.of(subject, scopes)
            http = Patient(credentials, self.http, self.retries, self.sleep)
            self._services[key] = discovery.build_from_document(  # type: ignore[attr-defined]
                self._document(api), http=http, requestBuilder=self._builder
            )
        return self._services[key]

    @property
    def retries(self) -> int:
        """How often a failed try may be repeated."""
        return self.settings.options.network.retries

    def directory(self, *purposes: str) -> Any:
        """Return the Directory's client, acting for the administrator of the settings."""
        subject = self.settings.options.directory_account
        if not subject:
            raise SettingsError(
                "directory_account is not set",
                "the Directory is read with an administrator's rights",
                "set it to a Google administrator with the right Users › Read",
            )
        return self.service("admin", subject, *(purposes or ("directory",)))

    def run(self, request: Any, *, empty: bool = False) -> dict[str, Any]:
        """Execute `request` and return its answer; `empty`: an answer without content is fine.

        Raises:
            LayerError: Whatever went wrong, with cause and remedy.
        """
        answer = self._guarded(request, request.execute)
        if isinstance(answer, dict):
            return answer
        if empty and not answer:
            return {}
        raise ServiceError(
            f"{request.methodId}: the answer is not JSON",
            "it was cut on the way",
            "try again",
            200,
        )

    def run_chunk(self, request: Any) -> dict[str, Any] | None:
        """Send the next part of an upload; return the answer after the last one, else None.

        Raises:
            LayerError: The part failed; the next call asks how far the upload got and goes on.
        """
        _, answer = self._guarded(request, request.next_chunk)
        return answer if isinstance(answer, dict) else None

    def run_batch(self, batch: Any) -> None:
        """Execute a batch; its callback gets each part's answer or error.

        Raises:
            LayerError: The batch as a whole failed.
        """
        self._guarded(batch, batch.execute)

    def _guarded(self, request: Any, execute: Callable[[], Any]) -> Any:
        try:
            return execute()
        except Exception as error:  # noqa: BLE001 - every error leaves as one of ours
            raise explain(error, str(getattr(request, "methodId", None) or "batch")) from None
        finally:
            self._used = time.monotonic()

    def close_idle(self) -> None:
        """Close connections that the server may have given up meanwhile."""
        if time.monotonic() - self._used > IDLE:
            self.close()

    def close(self) -> None:
        """Close every connection; the next request opens its own."""
        self.http.close()
        self.http.connections.clear()

    def _document(self, api: str) -> dict[str, Any]:
        """Return the discovery document, every address in it at the endpoint if one is set."""
        document: dict[str, Any] = json.loads(
            discovery_cache.get_static_doc(api, _APIS[api])  # type: ignore[no-untyped-call]
        )
        if self._endpoint:
            document["rootUrl"] = self._endpoint + "/"
            document["baseUrl"] = document["rootUrl"] + document["servicePath"]
            document.pop("mtlsRootUrl", None)
        return document


def pages(
    run: Callable[[Any], dict[str, Any]], ask: Callable[..., Any]
) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list.

    Args:
        run: `Google.run`, or what counts the requests on the way to it.
        ask: Makes the request for a page, given its ``pageToken``. The library's own ``…_next``
            fails for a parameter with several values.

    Raises:
        ServiceError: The server gave a page token a second time: the list would never end.
    """
    token: str | None = None
    given: set[str] = set()
    while True:
        request = ask(pageToken=token)
        page = run(request)
        yield page
        token = str(page.get("nextPageToken") or "")
        if not token:
            return
        if token in given:
            raise ServiceError(
                f"{request.methodId}: the list does not end",
                "the server gave the same page token twice",
                "try again; if it stays so, narrow the question or tell the server's operator",
                200,
                "repeatedPageToken",
            )
        given.add(token)


def transport_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments of ``httplib2.Http``: time limit, proxy, certificates.

    Raises:
        SettingsError: The certificates' file cannot be read.
    """
    network = settings.options.network
    options: dict[str, Any] = {"timeout": network.timeout, "proxy_info": _proxy(network.proxy)}
    if network.ca_file:
        if not network.ca_file.is_file():
            raise SettingsError(
                f"cannot read network.ca_file {network.ca_file}: no such file",
                remedy="correct it in the settings",
            )
        options["ca_certs"] = str(network.ca_file)
    return options


def _proxy(url: str) -> httplib2.ProxyInfo | None:
    """Return what httplib2 takes; ``no_proxy`` of the environment is heeded."""
    if not url:
        return None
    return httplib2.proxy_info_from_url(url, "https", None)

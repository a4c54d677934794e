"""From a request to its answer: token, scopes, service, then the handler of the method."""

import secrets
from urllib.parse import quote, urlsplit

from samples.sandbox import (
    batch,
    calendar,
    directory,
    ews,
    gmail,
    gmail_send,
    people,
    schemas,
    tasks,
)
from samples.sandbox.call import HANDLERS, Call
from samples.sandbox.errors import Refused, render
from samples.sandbox.faults import Fault
from samples.sandbox.methods import Method
from samples.sandbox.routes import Route
from samples.sandbox.state import State
from samples.sandbox.tokens import Grant
from samples.sandbox.uploads import MAX_SIZE, split_related
from samples.sandbox.wire import Reply, Request
from samples.sandbox.world import rfc3339

PLAYERS = (calendar, people, directory, gmail, gmail_send, schemas, tasks)
"""Imported for their handlers."""
MAX_JSON = 5 * 1024 * 1024
"""A JSON body above it is refused by the front end, with a page of HTML."""


def answer(state: State, request: Request, route: Route) -> Reply:
    """Answer any request but those to ``/_sandbox``. Never raises `Refused`."""
    faults = state.faults.take(route.id, route.kind, "reply", "act", "clock")
    names = tuple(fault.name for fault in faults)
    request.shift += sum(f.options["seconds"] for f in faults if f.kind.stage == "clock")
    failing = next((fault for fault in faults if fault.kind.stage == "reply"), None)
    try:
        if failing is not None:
            reply = _faulty(state, failing, request, route)
        elif route.kind == "token":
            reply = state.tokens.answer(request)
        elif route.kind == "batch":
            reply = batch.answer(request, lambda part, to: answer(state, part, to))
        elif route.kind == "ews":
            reply = ews.answer(state, request)
        elif request.path == "/discovery/v1/apis":  # public: no token is asked for
            reply = Reply.of({"kind": "discovery#directoryList"})
        else:
            reply = _api(state, request, route, frozenset(names))
    except Refused as refused:
        reply = refused.reply()
    reply.faults = names
    return reply


def _api(state: State, request: Request, route: Route, acts: frozenset[str]) -> Reply:
    if route.method is None:
        return render("404")
    if route.kind == "chunk":
        return _chunk(state, request, route, acts)
    media = None
    if route.kind == "media":
        media = _media(request)
    grant = _grant(state, request)
    try:
        _allowed(state, route.method, grant, request, media)
        if route.kind == "upload-start":
            reply = state.uploads.start(request)
        else:
            reply = _handle(state, route, request, grant, media, acts)
    except Refused as refused:
        reply = refused.reply()
    reply.subject = grant.subject
    return reply


def _media(request: Request) -> bytes:
    """Take the media out of a simple or multipart upload; leave the JSON as the body."""
    if len(request.body) > MAX_SIZE * 3 // 2:
        raise Refused("too-large")
    media = request.body
    request.body = b""
    if request.query.get("uploadType") == ["multipart"]:
        request.body, media = split_related(media, request.headers.get("content-type", ""))
    return media


def _chunk(state: State, request: Request, route: Route, acts: frozenset[str]) -> Reply:
    """Take a chunk. It carries no token worth checking: the session's address is the secret."""
    session, more = state.uploads.chunk(request, request.query["upload_id"][0])
    if more is not None:
        return more
    request.body = session.metadata
    request.headers = {**request.headers, "authorization": session.authorization}
    grant = _grant(state, request)
    reply = _handle(state, route, request, grant, bytes(session.content), acts)
    reply.subject = grant.subject
    return reply


def _grant(state: State, request: Request) -> Grant:
    ticket = request.query.get("sandbox_ticket", [""])[0]
    authorization = state.tickets.pop(ticket, "") or request.headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused("401")
    return state.tokens.grant(token.strip(), state.world.now())


def _allowed(
    state: State, method: Method, grant: Grant, request: Request, media: bytes | None
) -> None:
    if media is None and len(request.body) > MAX_JSON:
        raise Refused("413")
    if method.service in state.world.apis_off:
        number = state.world.service_account.project_number
        raise Refused("api-off", service=method.service, project=number, title=method.title)
    if not grant.scopes & method.scopes:
        accepted = method.ordered_scopes
        raise Refused("scope", service=method.service, method=method.id, accepted=accepted)


def _handle(
    state: State,
    route: Route,
    request: Request,
    grant: Grant,
    media: bytes | None,
    acts: frozenset[str],
) -> Reply:
    assert route.method is not None
    handler = HANDLERS.get(route.id)
    if handler is None:
        raise Refused("unimplemented", method=route.id)
    subject = state.world.user(grant.subject) if grant.subject else None
    if grant.subject and (subject is None or subject.suspended or subject.deleted):
        raise Refused("401")
    call = Call(
        state,
        route.method,
        request,
        route.params,
        subject,
        grant.scopes,
        state.world.now() + request.shift,
        media,
        acts,
        request.query,
    )
    result = handler(call)
    if result is None:
        return Reply(204)
    return result if isinstance(result, Reply) else Reply.of(result)


def _faulty(state: State, fault: Fault, request: Request, route: Route) -> Reply:
    """Answer as the fault says. A call without a good token gets its 401 first."""
    subject = None
    if route.method is not None and route.kind != "chunk":
        subject = _grant(state, request).subject
    if fault.name == "redirect":
        reply = _redirect(state, request)
    else:
        account = state.world.service_account
        until = state.world.now() + request.shift + fault.options.get("seconds", 0)
        values = {
            "service": route.method.service if route.method else "",
            "method": route.id,
            "title": route.method.title if route.method else "",
            "project": account.project_number,
            "subject": subject or account.email,
            "until": rfc3339(until),
        }
        if fault.kind.error == "scope" and route.method:
            reply = render("scope", accepted=route.method.ordered_scopes, **values)
        else:
            reply = render(fault.kind.error, **values)
    reply.subject = subject
    return reply


def _redirect(state: State, request: Request) -> Reply:
    """Send the client to the same resource; the new address carries its own permission."""
    ticket = secrets.token_urlsafe(24)
    state.tickets[ticket] = request.headers.get("authorization", "")
    mark = "&" if urlsplit(request.target).query else "?"
    where = f"{request.origin}{request.target}{mark}sandbox_ticket={quote(ticket)}"
    return Reply(302, b"", {"Location": where})

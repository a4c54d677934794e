"""Google's own client, pointed at a sandbox."""

from typing import Any

import google_auth_httplib2
import httplib2
from google.oauth2 import service_account
from googleapiclient import discovery
from googleapiclient.http import build_http

from samples.sandbox.keys import key_info
from samples.sandbox.server import Sandbox

SCOPE = "https://www.googleapis.com/auth/"
MAIL = "https://mail.google.com/"


def credentials(box: Sandbox, subject: str | None, *scopes: str) -> service_account.Credentials:
    """Return delegated credentials; a scope without a slash is taken below `SCOPE`."""
    info = key_info(box.world.service_account, box.url)
    full = [scope if "/" in scope else SCOPE + scope for scope in scopes]
    made: service_account.Credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call] # google-auth
        info, scopes=full, subject=subject
    )
    return made


def service(
    box: Sandbox,
    name: str,
    subject: str | None,
    *scopes: str,
    http: httplib2.Http | None = None,
    **options: Any,
) -> Any:
    """Build ``gmail``, ``admin``, ``people``, ``calendar`` or ``tasks`` with an `AuthorizedHttp`.

    Args:
        box: The sandbox.
        name: As ``googleapiclient.discovery.build`` takes it.
        subject: Whom to act as.
        scopes: As `credentials` takes them.
        http: The transport; default: a fresh one of ``build_http``, which leaves 308 alone.
        options: More for ``build_from_document``, for example ``requestBuilder``.
    """
    authorized = google_auth_httplib2.AuthorizedHttp(
        credentials(box, subject, *scopes),
        http=http or build_http(),  # type: ignore[no-untyped-call] # googleapiclient
    )
    build = discovery.build_from_document  # type: ignore[attr-defined] # the stubs lack it
    return build(box.document(name), http=authorized, **options)

"""Lists a mailbox with a token that may only send: python -m samples.repro.missing_scope URL KEY.

URL is the sandbox's, KEY the service-account file it wrote.
"""

import sys

import google_auth_httplib2
import httplib2
from google.oauth2 import service_account
from googleapiclient import discovery
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

SCOPE = "https://www.googleapis.com/auth/gmail.send"


def main(url: str, key: str) -> int:
    """Ask for what the token does not allow; return 1 when Google says so."""
    document = get_static_doc("gmail", "v1")  # type: ignore[no-untyped-call] # googleapiclient
    assert document is not None
    document = document.replace("https://gmail.googleapis.com", url)
    credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call] # google-auth
        key, scopes=[SCOPE], subject="dupond@masoc.com"
    )
    http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http())
    gmail = discovery.build_from_document(document, http=http)  # type: ignore[attr-defined] # the stubs lack it
    try:
        print(gmail.users().messages().list(userId="me").execute())
    except HttpError as error:
        print(f"{error.status_code}: {error.reason}", file=sys.stderr)
        return 1
    finally:
        http.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

"""A server with canned answers, quick enough not to be what is measured. Prints its port."""

import json
import os
import socket
import sys
import threading

USER = {
    "kind": "admin#directory#user",
    "id": "1{0:020d}",
    "etag": '"{0:x}/abcdefghijklmnopqrstuvwxyz0123456789"',
    "primaryEmail": "user{0:05d}@big.example",
    "name": {"givenName": "User", "familyName": "Number{0:05d}", "fullName": "User Number{0:05d}"},
    "isAdmin": False,
    "isDelegatedAdmin": False,
    "lastLoginTime": "2026-11-20T09:46:40.000Z",
    "creationTime": "2020-01-02T03:04:05.000Z",
    "agreedToTerms": True,
    "suspended": False,
    "archived": False,
    "changePasswordAtNextLogin": False,
    "ipWhitelisted": False,
    "emails": [
        {"address": "user{0:05d}@big.example", "primary": True},
        {"address": "u{0:05d}@alias.example"},
    ],
    "phones": [{"value": "+33 1 00 00 {0:05d}", "type": "work"}],
    "customSchemas": {
        "DivaltoInfinity": {
            "DivaltoInfinityWinAccount": [{"type": "work", "value": "win{0:05d}@soc-windows.com"}]
        }
    },
    "customerId": "C0123456",
    "orgUnitPath": "/",
    "isMailboxSetup": True,
    "isEnrolledIn2Sv": False,
    "isEnforcedIn2Sv": False,
    "includeInGlobalAddressList": True,
}


def _filled(value: object, number: int) -> object:
    if isinstance(value, str):
        return value.format(number) if "{0" in value else value
    if isinstance(value, dict):
        return {key: _filled(each, number) for key, each in value.items()}
    return [_filled(each, number) for each in value] if isinstance(value, list) else value


def page() -> bytes:
    """Return a page of users of 20 KB."""
    users = [_filled(USER, number) for number in range(17)]
    body = {"kind": "admin#directory#users", "users": users, "nextPageToken": "~!!~" + "A" * 80}
    return json.dumps(body, indent=1).encode()


def message() -> bytes:
    """Return a message of 5 KB, as `messages.get` gives it."""
    names = (
        "Delivered-To",
        "Received",
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "DKIM-Signature",
    )
    headers = [{"name": name, "value": f"{name} value " + "x" * 70} for name in names]
    part = {"partId": "0", "mimeType": "text/plain", "filename": "", "headers": headers[:2],
            "body": {"size": 1500, "data": "SGVsbG8g" * 250}}  # fmt: skip
    body = {
        "id": "19d8ef74db000004", "threadId": "19d8ef74db000004", "labelIds": ["INBOX", "UNREAD"],
        "snippet": "Bonjour " * 20, "sizeEstimate": 5000, "historyId": "123456",
        "internalDate": "1795000000000",
        "payload": {"partId": "", "mimeType": "multipart/alternative", "filename": "",
                    "headers": headers, "body": {"size": 0}, "parts": [part, part]},
    }  # fmt: skip
    return json.dumps(body, indent=1).encode()


def answers() -> dict[bytes, bytes]:
    """Return whole answers by a piece of the request line that tells them apart."""
    sent = b'{"id": "19d8ef74db000009", "threadId": "19d8ef74db000009", "labelIds": ["SENT"]}'
    found = {}
    for key, body in ((b"/users?", page()), (b"/messages/send", sent), (b"/messages/", message())):
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
            "Vary: Origin, X-Origin, Referer\r\nDate: Sun, 22 Nov 2026 14:00:00 GMT\r\n"
            "Server: ESF\r\nX-XSS-Protection: 0\r\nX-Frame-Options: SAMEORIGIN\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        found[key] = head.encode() + body
    return found


def serve(connection: socket.socket, canned: dict[bytes, bytes]) -> None:
    """Answer the requests of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = b""
    while True:
        head, blank, rest = buffer.partition(b"\r\n\r\n")
        if not blank:
            got = connection.recv(65_536)
            if not got:
                return
            buffer += got
            continue
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        while len(rest) < length:
            rest += connection.recv(65_536)
        buffer = rest[length:]
        line = head[: head.index(b"\r\n")]
        connection.sendall(next(answer for key, answer in canned.items() if key in line))


def main() -> None:
    """Serve until standard input ends."""
    if len(sys.argv) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[1])})
    canned = answers()
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, canned), daemon=True).start()


if __name__ == "__main__":
    main()

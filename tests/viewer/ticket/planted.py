"""A session with secrets and identities in every layer, redacted by the capture's own redaction."""

# ruff: noqa: E501 - made-up data reads best on one line

import base64
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.support.traces import TraceBuilder
from tracer.capture.redact import Redactor
from tracer.capture.redact.notes import Notes

KEY_PEM: Final = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCplantedkey\n-----END PRIVATE KEY-----"


def b64(text: str) -> str:
    """Return `text` in base64."""
    return base64.b64encode(text.encode()).decode()


def jwt(claims: dict[str, Any], signature: str) -> str:
    """Return an unencrypted JWT with a made-up signature."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()
        for one in ({"alg": "RS256", "kid": "9f8e7d6c5b4a39281706"}, claims)
    ]
    return ".".join((*parts, signature))


SECRETS: Final = {
    "bearer": "ya29.a0PlantedAccessTokenAAAA1111",
    "bearer of a batch part": "ya29.a0PlantedBatchPartTokenBB2222",
    "refresh token": "1//0gPlantedRefreshTokenCCCC3333",
    "client secret": "GOCSPX-PlantedClientSecretDD",
    "api key": "AIzaSyPlantedApiKeyEEEE4444FFFF5555GGGG",
    "signature": "PlantedAssertionSignatureHHHH6666IIII7777JJJJ",
    "id token signature": "PlantedIdTokenSignatureKKKK8888LLLL9999",
    "private key": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCplantedkey",
    "cookie": "SID=PlantedCookieMMMM0000",
    "set-cookie": "HSID=PlantedSetCookieNNNN1111",
    "proxy password": "PlantedProxyPassOOOO",
    "basic": "cGxhbnRlZDpCYXNpY1Bhc3NQUFBQ",
    "upload session": "PlantedUploadSessionQQQQ2222",
    "iam token": "PlantedIamTokenRRRR3333",
    "password in a form": "PlantedFormPasswordSSSS",
    "password in JSON": "PlantedJsonPasswordTTTT",
    "password in an error": "PlantedErrorPasswordUUUU",
    "token in an exception": "ya29.a0PlantedExceptionTokenVVVV4444",
    "token in a URL": "ya29.a0PlantedUrlTokenWWWW5555",
    "token percent-encoded": "1//0gPlantedPercentTokenXXXX6666",
    "token in base64": "ya29.a0PlantedBase64TokenYYYY7777",
    "code": "4/0AVPlantedCodeZZZZ8888aaaa9999bbbb",
    "smtp password": "PlantedSmtpPasswordCccc",
    "ldap password": "PlantedLdapPasswordDddd",
    "environment secret": "PlantedEnvironmentSecretEeee",
    "subject": "PlantedSubjectOfMailFfff",
    "mail text": "PlantedMailTextGggg",
    "attachment": "PlantedAttachmentBytesHhhh",
    "snippet": "PlantedSnippetIiii",
    "multipart text": "PlantedMultipartTextJjjj",
    "note of a contact": "PlantedContactNoteKkkk",
    "description": "PlantedEventDescriptionLlll",
    "location": "PlantedEventLocationMmmm",
    "x-goog-api-key": "AIzaSyPlantedHeaderKeyNNNN1111OOOO2222PP",
    "argument": "PlantedArgumentPasswordPppp",
    "github": "ghp_PlantedGithubTokenQqqqRrrrSsssTttt11",
    "aws": "AKIAPLANTEDKEYUUUUV2",
    "slack": "xoxb-123456789012-PlantedSlackWwww",
    "bearer in a log": "PlantedLogBearerXxxx3333yyyy4444",
    "password in a url": "PlantedUrlPasswordZzzz",
    "csrf": "PlantedCsrfTokenAaab",
    "private key id": "0123456789abcdef0123456789abcdefplanted1",
}  # fmt: skip

IDENTITIES: Final = {
    "sender": "amelie.carpentier@boulangerie-durand.fr",
    "second domain": "amelie.carpentier@viennoiserie-durand.com",
    "upn": "Carpentier.Amelie@durand-ad.lan",
    "recipient": "jean-baptiste.lefebvre@client-martin.de",
    "cc": "ophelia.vandenberghe@partenaire.be",
    "alias": "amelie+factures@boulangerie-durand.fr",
    "admin": "superviseur-gw@boulangerie-durand.fr",
    "percent only": "chloe.percent@durand-percent.fr",
    "base64 only": "boris.base@durand-base.fr",
    "base64url only": "ursula.url@durand-url.fr",
    "quoted-printable only": "quentin.qp@durand-qp.fr",
    "utf-16 only": "ugo.seize@durand-seize.fr",
    "json in json": "josephine.escape@durand-escape.fr",
    "html": "henri.html@durand-html.fr",
    "claim": "claire.claim@durand-claim.fr",
    "in an exception": "xavier.exception@durand-erreur.fr",
    "in an error": "emilie.delegation@durand-delegation.fr",
    "batch part": "bastien.batch@durand-batch.fr",
    "ldap mail": "laurent.annuaire@durand-ldap.fr",
    "smtp rcpt": "rosalie.rcpt@durand-smtp.fr",
    "utf-8": "zoé.françois@durand-accents.fr",
    "windows user": "DURANDAD\\acarpentier",
    "harmony user": "ACARPENTIER",
    "environment": "BOULANGERIEDURAND",
    "other environment": "VIENNOISERIEDURAND",
    "machine": "PC-COMPTA-DURAND07",
    "server": "srv-erp-durand.durand-ad.lan",
    "smtp host": "relais.boulangerie-durand.fr",
    "proxy": "mandataire.durand-ad.lan",
    "full name": "Amélie Carpentier-Moreau",
    "mime name": "Jean-Baptiste Lefebvre",
    "encoded name": "Ophélia Vandenberghe",
    "ldap name": "Laurent Annuaire-Petit",
    "ip": "10.47.13.201",
    "public ip": "203.0.113.77",
    "ipv6": "2001:db8:47::13:201",
    "phone": "+33 6 47 13 20 19",
    "french phone": "04 71 32 01 95",
    "google id": "117471320195847362514",
    "customer": "C047durand",
    "message-id": "20261122131633.4F7A1@relais.boulangerie-durand.fr",
    "gmail id": "18f47a1320195bcd",
    "windows folder": "acarpentier",
    "home": "carpentier-home",
    "sid": "S-1-5-21-4713201958-1132019584-2019584736-1147",
    "project": "durand-messagerie-4713",
    "service account": "passerelle-durand@durand-messagerie-4713.iam.gserviceaccount.com",
    "client id": "471320195847-abcdefghijklmnop12345678.apps.googleusercontent.com",
    "unc": "fichiers-durand",
    "calendar": "durand-planning-commun@group.calendar.google.com",
}  # fmt: skip


class _Plant:
    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.notes: Notes = []

    def url(self, url: str) -> str:
        return self.redactor.url(url, self.notes, "url")

    def headers(self, **headers: str) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.redactor.headers(given, self.notes, "request.headers")

    def body(self, content: str, kind: str, method: str | None, direction: str) -> dict[str, Any]:
        return self.redactor.body(
            content, kind, self.notes, "body", method_id=method, direction=direction
        )

    def data(self, **data: Any) -> dict[str, Any]:
        return self.redactor.data(data, self.notes)


def raw_mail() -> str:
    """Return a mail with identities in its headers and secrets in all that must go."""
    return (
        f"From: =?utf-8?b?{b64(IDENTITIES['full name'])}?= <{IDENTITIES['sender']}>\r\n"
        f'To: "{IDENTITIES["mime name"]}" <{IDENTITIES["recipient"]}>\r\n'
        f"Cc: =?utf-8?q?Oph=C3=A9lia_Vandenberghe?= <{IDENTITIES['cc']}>\r\n"
        f"Message-ID: <{IDENTITIES['message-id']}>\r\n"
        f"Date: Sun, 22 Nov 2026 13:16:33 +0000\r\nSubject: {SECRETS['subject']}\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n{SECRETS['mail text']}\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{SECRETS['multipart text']}\r\n"
        "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{b64(SECRETS['attachment'])}\r\n--b--\r\n"
    )


def session(redactor: Redactor | None = None) -> TraceBuilder:
    """Return the session; its events hold what the capture would have let through."""
    plant = _Plant(redactor or Redactor(b"k" * 32))
    trace = TraceBuilder()
    trace.add(
        "session", "start", "essai", "session", label="essai", bodies="structure",
        session="5e" * 16, by=IDENTITIES["windows folder"], versions={"mapi-tracer": "0.1.0"},
    )  # fmt: skip
    trace.add(
        "process", "start", "erp.exe", "session",
        **plant.data(
            argv0=f"C:\\Users\\{IDENTITIES['windows folder']}\\erp.exe",
            argv=["erp.exe", f"--password={SECRETS['argument']}", f"/home/{IDENTITIES['home']}/x"],
            boot="b00t-4713-durand", host=IDENTITIES["machine"],
        ),
    )  # fmt: skip
    trace.add(
        "settings", "point", "settings", "settings",
        **plant.data(values={
            "account": {"value": IDENTITIES["sender"], "origin": f"C:\\Users\\{IDENTITIES['windows folder']}\\s.toml:3"},
            "smtp_host": {"value": IDENTITIES["smtp host"], "origin": "env"},
            "smtp_password": {"value": SECRETS["environment secret"], "origin": "env"},
            "share": {"value": f"\\\\{IDENTITIES['unc']}\\erp", "origin": "env"},
        }),
    )  # fmt: skip
    identity = {
        "environment": IDENTITIES["environment"],
        "harmony_user": IDENTITIES["harmony user"],
        "windows_account": IDENTITIES["upn"],
    }
    with trace.operation(
        "send",
        "gmail",
        status=1,
        identity=identity,
        result={"account": IDENTITIES["sender"], "via": "env"},
    ):
        _token(trace, plant)
        call = _directory(trace, plant)
        _steps(trace, call)
        _send(trace, plant)
        _batch(trace, plant)
    with trace.operation(
        "send by smtp", "smtp", identity={**identity, "windows_account": IDENTITIES["windows user"]}
    ):
        _smtp(trace, plant)
        _ldap(trace, plant)
    _encodings(trace, plant)
    return trace


def _token(trace: TraceBuilder, plant: _Plant) -> None:
    assertion = jwt(
        {
            "iss": IDENTITIES["service account"],
            "sub": IDENTITIES["claim"],
            "scope": "https://mail.google.com/",
        },
        SECRETS["signature"],
    )
    form = f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}&password={SECRETS['password in a form']}&client_secret={SECRETS['client secret']}&code={quote(SECRETS['code'], safe='')}"
    answer = json.dumps(
        {"access_token": SECRETS["bearer"], "refresh_token": SECRETS["refresh token"], "expires_in": 3599,
         "id_token": jwt({"email": IDENTITIES["claim"]}, SECRETS["id token signature"]), "token_type": "Bearer"}
    )  # fmt: skip
    trace.call(
        "oauth2.token", "auth",
        exchange={
            "method": "POST", "role": "token", "url": plant.url("https://oauth2.googleapis.com/token"),
            "subject": IDENTITIES["claim"],
            "request": {
                "headers": plant.headers(authorization=f"Basic {SECRETS['basic']}", cookie=SECRETS["cookie"]),
                "body": plant.body(form, "application/x-www-form-urlencoded", None, "request"),
            },
            "response": {
                "status": 200, "headers": plant.headers(set_cookie=SECRETS["set-cookie"]),
                "body": plant.body(answer, "application/json", None, "response"),
            },
            "proxy": {"host": IDENTITIES["proxy"], "port": 3128},
        },
    )  # fmt: skip


def _directory(trace: TraceBuilder, plant: _Plant) -> str:
    users = {
        "users": [
            {
                "id": IDENTITIES["google id"], "primaryEmail": IDENTITIES["sender"], "customerId": IDENTITIES["customer"],
                "aliases": [IDENTITIES["alias"], IDENTITIES["second domain"]],
                "name": {"fullName": IDENTITIES["full name"], "givenName": "Amélie"},
                "recoveryPhone": IDENTITIES["phone"], "notes": {"value": SECRETS["note of a contact"]},
                "customSchemas": {"Divalto": {"DivaltoInfinityWinAccountEnv": [
                    {"value": f"{IDENTITIES['environment']}={IDENTITIES['upn']}"},
                    {"value": f"{IDENTITIES['other environment']}={IDENTITIES['upn']}"},
                ]}},
            }
        ]
    }  # fmt: skip
    query = quote(f"email:{IDENTITIES['admin']}", safe="")
    call, _ = trace.call(
        "directory.users.list", "directory", params=plant.data(customer=IDENTITIES["customer"], query=IDENTITIES["admin"]),
        exchange={
            "url": plant.url(
                f"https://admin.googleapis.com/admin/directory/v1/users?customer={IDENTITIES['customer']}"
                f"&query={query}&key={SECRETS['api key']}&access_token={SECRETS['token in a URL']}"
            ),
            "request": {"headers": plant.headers(
                authorization=f"Bearer {SECRETS['bearer']}", x_goog_api_key=SECRETS["x-goog-api-key"],
                x_goog_iam_authorization_token=SECRETS["iam token"], x_csrf_token=SECRETS["csrf"],
            )},
            "response": {"status": 200, "body": plant.body(
                json.dumps(users), "application/json", "directory.users.list", "response"
            )},
            "wire": [{"n": 1, "conn": 1, "peer": f"{IDENTITIES['public ip']}:443", "phases": {"wait": 9.0}}],
        },
    )  # fmt: skip
    return call


def _steps(trace: TraceBuilder, call: str) -> None:
    compared = {
        "wanted": IDENTITIES["upn"], "found": [IDENTITIES["upn"].lower()], "folded": True,
        "environment": {"wanted": IDENTITIES["environment"], "found": [IDENTITIES["other environment"]]},
    }  # fmt: skip
    trace.step(
        "env", "rejected", "other-environment", n=1, attribute="DivaltoInfinityWinAccountEnv",
        candidate=IDENTITIES["second domain"], compared=compared, source=[call],
    )  # fmt: skip
    trace.step(
        "outcome", "chosen", "chosen", n=2, attribute="DivaltoInfinityWinAccountEnv",
        candidate=IDENTITIES["sender"], args={"via": "env", "others": 1}, source=[call],
    )  # fmt: skip


def _send(trace: TraceBuilder, plant: _Plant) -> None:
    body = json.dumps({"raw": base64.urlsafe_b64encode(raw_mail().encode()).decode()})
    error = json.dumps({"error": {"code": 403, "message": f"Delegation denied for {IDENTITIES['in an error']}; password={SECRETS['password in an error']}",
                                  "errors": [{"reason": "forbidden", "domain": "global"}]}})  # fmt: skip
    trace.call(
        "gmail.users.messages.send", "gmail", 403, params={"userId": IDENTITIES["sender"]},
        exchange={
            "method": "POST",
            "url": plant.url(
                f"https://gmail.googleapis.com/gmail/v1/users/{quote(IDENTITIES['percent only'])}/messages/{IDENTITIES['gmail id']}/send"
                f"?upload_id={SECRETS['upload session']}&token={quote(SECRETS['token percent-encoded'], safe='')}"
            ),
            "request": {"headers": plant.headers(authorization=f"Bearer {SECRETS['bearer']}"),
                        "body": plant.body(body, "application/json", "gmail.users.messages.send", "request")},
            "response": {"status": 403, "body": plant.body(error, "application/json", "gmail.users.messages.send", "response")},
        },
        error=plant.data(error={"type": "HttpError", "message": f"{IDENTITIES['in an exception']} {SECRETS['token in an exception']}"})["error"],
    )  # fmt: skip
    answer = json.dumps({"id": IDENTITIES["gmail id"], "threadId": IDENTITIES["gmail id"], "snippet": SECRETS["snippet"],
                         "payload": {"headers": [{"name": "From", "value": f"{IDENTITIES['full name']} <{IDENTITIES['sender']}>"}]}})  # fmt: skip
    trace.call(
        "gmail.users.messages.get", "gmail",
        exchange={"response": {"status": 200, "body": plant.body(
            answer, "application/json", "gmail.users.messages.get", "response")}},
    )  # fmt: skip
    event = json.dumps({"summary": "x", "description": SECRETS["description"], "location": SECRETS["location"],
                        "organizer": {"email": IDENTITIES["calendar"]}, "password": SECRETS["password in JSON"]})  # fmt: skip
    trace.call(
        "calendar.events.insert", "calendar",
        exchange={"request": {"body": plant.body(event, "application/json", None, "request")},
                  "url": plant.url(f"https://www.googleapis.com/calendar/v3/calendars/{quote(IDENTITIES['calendar'], safe='')}/events")},
    )  # fmt: skip


def _batch(trace: TraceBuilder, plant: _Plant) -> None:
    part = (
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <1>\r\n\r\nGET /gmail/v1/users/{quote(IDENTITIES['batch part'], safe='')}/profile HTTP/1.1\r\n"
        f"authorization: Bearer {SECRETS['bearer of a batch part']}\r\n\r\n\r\n--b--\r\n"
    )
    trace.call(
        "batch", "gmail",
        exchange={"role": "batch", "request": {"body": plant.body(
            part, "multipart/mixed; boundary=b", None, "request")}},
    )  # fmt: skip


def _smtp(trace: TraceBuilder, plant: _Plant) -> None:
    facts = plant.data(
        request={"verb": "AUTH", "args": f"PLAIN {b64(chr(0) + 'x' + chr(0) + SECRETS['smtp password'])}"},
        response={"code": 535, "text": f"5.7.8 {IDENTITIES['smtp rcpt']} refused by {IDENTITIES['smtp host']} [{IDENTITIES['ip']}] [IPv6:{IDENTITIES['ipv6']}]"},
        peer=f"{IDENTITIES['ip']}:587", ehlo=IDENTITIES["server"],
    )  # fmt: skip
    trace.add("exchange", "end", "AUTH", "smtp", status=535, ms=3.0, **facts)


def _ldap(trace: TraceBuilder, plant: _Plant) -> None:
    facts = plant.data(
        request={"base": "dc=durand-ad,dc=lan", "filter": f"(mail={IDENTITIES['ldap mail']})", "password": SECRETS["ldap password"]},
        response={"code": 49, "description": f"invalidCredentials cn={IDENTITIES['ldap name']},ou=Compta Durand,dc=durand-ad,dc=lan",
                  "entries": [{"cn": IDENTITIES["ldap name"], "telephoneNumber": IDENTITIES["french phone"], "objectSid": IDENTITIES["sid"]}]},
    )  # fmt: skip
    trace.add("exchange", "end", "bind", "ldap", status=49, ms=3.0, **facts)


def _encodings(trace: TraceBuilder, plant: _Plant) -> None:
    """One note with an identity in each encoding, and secrets in free text."""
    texts = {
        "base64": b64(f"hello {IDENTITIES['base64 only']} bye"),
        "base64url": base64.urlsafe_b64encode(f"??>>~~ {IDENTITIES['base64url only']} ~~>>??".encode()).decode().rstrip("="),
        "utf16": "".join(f"{char}\0" for char in IDENTITIES["utf-16 only"]),
        "json": json.dumps({"mail": IDENTITIES["json in json"], "line": f"\n{IDENTITIES['harmony user']}\t"}),
        "html": f"&lt;{IDENTITIES['html'].replace('@', '&#64;')}&gt;",
        "quoted": f"hello {IDENTITIES['quoted-printable only'].replace('@', '=40')} bye=\r\nbye",
        "accents": f"{IDENTITIES['utf-8']} / {IDENTITIES['full name'].upper()}",
        "project": f"projects/{IDENTITIES['project']} has no API; client {IDENTITIES['client id']}",
        "phone": f"call {IDENTITIES['phone']} or {IDENTITIES['french phone']}",
        "deep": quote(quote(f"user={IDENTITIES['cc']}", safe=""), safe=""),
        "log": f"Authorization: Bearer {SECRETS['bearer in a log']}",
        "url": f"https://planted:{SECRETS['password in a url']}@{IDENTITIES['server']}/x http://u:{SECRETS['proxy password']}@{IDENTITIES['proxy']}:3128",
        "keys": f"{SECRETS['github']} {SECRETS['aws']} {SECRETS['slack']} {KEY_PEM}",
        "b64token": b64(f"token {SECRETS['token in base64']} end"),
        "name": f"{IDENTITIES['mime name']} and {IDENTITIES['encoded name']} met {IDENTITIES['windows user']}",
    }  # fmt: skip
    facts = plant.data(texts=texts, private_key_id=SECRETS["private key id"])
    trace.add("note", "point", "texts", "session", **facts)


def write(path: Path) -> Path:
    """Write the session to `path`."""
    return session().write(path)

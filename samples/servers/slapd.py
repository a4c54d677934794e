"""A real directory server with entries like Active Directory's, on loopback."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.servers.certificates import Certificates
from samples.servers.ports import free_port

PROGRAM = shutil.which(
    "slapd", path="/usr/sbin:/usr/local/sbin:/usr/libexec:/opt/homebrew/opt/openldap/libexec"
)
BASE = "dc=masoc,dc=example"
READER = f"cn=lecture,{BASE}"
PASSWORD = "mot-de-passe-annuaire"

_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/msuser.schema
objectclass ( 1.2.840.113556.1.5.15.9 NAME 'contact' SUP top STRUCTURAL
  MUST cn MAY ( sn $ displayName $ mail $ telephoneNumber $ mobile $ title $ o ) )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCACertificateFile {ca}
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
sizelimit {limit}
limits users size={limit} size.prtotal={limit}
database mdb
suffix {base}
directory {folder}/db
rootdn cn=root,{base}
rootpw root
access to * by self write by users read by anonymous auth
"""

_ENTRIES = """\
dn: {base}
objectClass: dcObject
objectClass: organization
dc: masoc
o: Ma société

dn: {reader}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: lecture
userPassword: {password}

dn: cn=Jeanne Dupond,{base}
objectClass: inetOrgPerson
cn: Jeanne Dupond
sn: Dupond
displayName: DUPOND Jeanne
mail: jeanne.dupond@masoc.example
telephoneNumber: +33 3 88 12 34 56
mobile: 06 12 34 56 78
title: Directrice
o: Ma société

dn: cn=Service (achats) *,{base}
objectClass: contact
cn: Service (achats) *
mail: achats@fournisseur.example
telephoneNumber: 0388998877
"""


@dataclass(frozen=True, slots=True)
class Slapd:
    """Where the server listens."""

    url: str
    secure_url: str


@contextmanager
def slapd(
    folder: Path, tls: Certificates, *, people: int = 0, limit: str = "unlimited"
) -> Iterator[Slapd]:
    """Run a server with two contacts and `people` more; `limit` is its size limit."""
    assert PROGRAM is not None
    (folder / "db").mkdir()
    config = folder / "slapd.conf"
    values = {"base": BASE, "reader": READER, "password": PASSWORD}
    files = {"ca": tls.authority, "cert": tls.certificate, "key": tls.key}
    config.write_text(_CONFIG.format(folder=folder, limit=limit, **values, **files))
    ldif = _ENTRIES.format(**values) + "".join(
        f"\ndn: cn=P{n:04d},{BASE}\nobjectClass: inetOrgPerson\ncn: P{n:04d}\nsn: P\n"
        f"mail: p{n}@masoc.example\n"
        for n in range(people)
    )
    (folder / "entries.ldif").write_text(ldif, encoding="utf-8")
    add = [PROGRAM, "-T", "add", "-f", str(config), "-l", str(folder / "entries.ldif")]
    subprocess.run(add, check=True, capture_output=True)
    ports = [free_port(), free_port()]
    urls = f"ldap://127.0.0.1:{ports[0]} ldaps://127.0.0.1:{ports[1]}"
    process = subprocess.Popen(
        [PROGRAM, "-f", str(config), "-h", urls, "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        for port in ports:
            _wait_for(port, process)
        yield Slapd(*urls.split())
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "slapd ended at its start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("slapd does not listen")

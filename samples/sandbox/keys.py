"""Keys made once a process: the service account's, and a certificate for TLS on loopback."""

import datetime
import ipaddress
import ssl
import tempfile
import threading
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from samples.sandbox.world import ServiceAccount

KEY_ID = "5a1d0b0e7c3f4a2d9e8b6c7d1f2a3b4c5d6e7f80"


def service_key() -> rsa.RSAPrivateKey:
    """Return the service account's key."""
    with _making:  # `cache` alone would make two for two threads at once
        return _service_key()


_making = threading.Lock()


@cache
def _service_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    """Write a private key as the key files hold it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def key_info(account: ServiceAccount, origin: str) -> dict[str, str]:
    """Return what the JSON key file holds that an administrator would download."""
    return {
        "type": "service_account",
        "project_id": account.project,
        "private_key_id": KEY_ID,
        "private_key": pem(service_key()),
        "client_email": account.email,
        "client_id": account.client_id,
        "auth_uri": origin + "/auth",
        "token_uri": origin + "/token",
        "universe_domain": "googleapis.com",
    }


@cache
def certificate() -> tuple[bytes, bytes]:
    """Return a self-signed certificate for loopback and its key, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox on loopback")])
    now = datetime.datetime.now(datetime.UTC)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM), pem(key).encode()


def server_context() -> ssl.SSLContext:
    """Return a TLS context with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert, key = certificate()
    with tempfile.TemporaryDirectory() as folder:
        cert_file, key_file = Path(folder, "cert.pem"), Path(folder, "key.pem")
        cert_file.write_bytes(cert)
        key_file.write_bytes(key)
        context.load_cert_chain(cert_file, key_file)
    return context

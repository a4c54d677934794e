"""What a stranger sees who unpacks a ticket, and whether a string is in it in some encoding."""

import base64
import quopri
import zipfile
from pathlib import Path
from urllib.parse import quote

import zstandard


def members(path: Path) -> dict[str, bytes]:
    """Return every member of the archive, decompressed."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith(".zst"):
                reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
                data = reader.read()
            found[name] = data
    return found


def encodings(text: str) -> dict[str, bytes]:
    """Return the spellings in which `text` could hide, by name; written for the tests alone."""
    raw = text.encode()
    found = {
        "plain": raw,
        "percent": quote(text, safe="").encode(),
        "double percent": quote(quote(text, safe=""), safe="").encode(),
        "quoted-printable": quopri.encodestring(raw, quotetabs=False).replace(b"=\n", b"").strip(),
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "json-escaped": "".join(f"\\u{ord(c):04x}" if ord(c) > 126 else c for c in text).encode(),
        "json-escaped nul": "".join(f"{c}\\u0000" for c in text).encode(),
        "hex": raw.hex().encode(),
        "backslashes": text.replace("\\", "\\\\").encode(),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + raw)
        stable = encoded[(0, 2, 3)[shift] : len(encoded) - (0, 3, 2)[(len(raw) + shift) % 3]]
        found[f"base64, {shift} before"] = stable
        found[f"base64url, {shift} before"] = stable.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def found_in(text: str, data: bytes) -> list[str]:
    """Return the names of the encodings in which `data` holds `text`, in any case."""
    low = data.lower()
    return [
        name
        for name, spelling in encodings(text).items()
        if spelling in data or ("base64" not in name and spelling.lower() in low)
    ]

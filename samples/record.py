"""`make samples`: records samples/sessions anew.

    python -m samples.record [--to FOLDER] [NAME…]

plays every session (or those whose name contains one of NAME…) with the real layer, the real
capture and real servers on loopback. Twice the same code gives twice the same bytes:
`samples.normalise` says how.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# what the capture attaches to, imported first: so every session lists the same seams
import exchangelib  # noqa: F401
import googleapiclient.discovery  # noqa: F401
import ldap3  # noqa: F401
import requests  # noqa: F401

from samples.normalise import normalise
from samples.record_rows import ROWS, Row
from samples.record_stage import alone, recorded

SESSIONS: Final = Path(__file__).parent / "sessions"


def record(row: Row) -> bytes:
    """Play one session; return its file's bytes, normalised."""
    with tempfile.TemporaryDirectory(prefix="sample-") as name:
        folder = Path(name).resolve()
        file = folder / f"{row.name}.jsonl"
        with alone(folder), recorded(row.name, file) as stage:
            row.play(stage)
        return normalise(file.read_bytes(), folder)


def main(argv: Sequence[str]) -> int:
    """Record; return an exit code."""
    parser = argparse.ArgumentParser(prog="samples.record", description="Record the sessions.")
    parser.add_argument("--to", type=Path, default=SESSIONS, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of a session's name")
    args = parser.parse_args(argv)
    args.to.mkdir(parents=True, exist_ok=True)
    for row in ROWS:
        if args.names and not any(name in row.name for name in args.names):
            continue
        if row.needs is None:
            print(f"{row.name}: left as it is, a program it needs is not installed here")
            continue
        path = args.to / f"{row.name}.jsonl"
        path.write_bytes(record(row))
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m samples.sandbox``: the stand-in for people, until Ctrl-C."""

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from pathlib import Path

from samples.sandbox import Sandbox, big_world, seed_world
from samples.sandbox.world import ENCODINGS


def main() -> int:
    """Run the sandbox and say where it is."""
    given = _parser().parse_args()
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        return _run(given)
    return 0


def _run(given: argparse.Namespace) -> int:
    world = big_world(given.users, given.encoding) if given.users else seed_world(given.encoding)
    with contextlib.ExitStack() as stack:
        try:
            box = stack.enter_context(Sandbox(world, tls=given.tls, port=given.port))
        except OSError as error:
            why = str(error).rpartition("]")[2].strip()
            print(f"cannot listen on port {given.port}, choose another: {why}", file=sys.stderr)
            return 2
        key = given.key
        if key is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-"))
            key = Path(folder, "key.json")
        print(f"url  {box.url}")
        print(f"key  {box.key_file(key)}")
        if given.tls:
            print(f"ca   {box.ca_file(key.with_name('ca.pem'))}")
        print(f'faults  POST {box.url}/_sandbox/faults  {{"name": "rate-limit"}}', flush=True)
        while True:
            time.sleep(1)  # Windows delivers an interrupt between two sleeps


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m samples.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--key", type=Path, help="where to write the service account's key file")
    parser.add_argument("--tls", action="store_true", help="https with a certificate of its own")
    parser.add_argument("--users", type=int, default=0, help="that many more users")
    parser.add_argument(
        "--encoding",
        choices=ENCODINGS,
        default=ENCODINGS[0],
        help="how DivaltoInfinityWinAccountEnv holds environment and account",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

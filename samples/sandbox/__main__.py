"""``python -m samples.sandbox``: the stand-in for people, until Ctrl-C."""

import argparse
import contextlib
import tempfile
import threading
from pathlib import Path

from samples.sandbox import Sandbox, big_world, seed_world
from samples.sandbox.world import ENCODINGS


def main() -> int:
    """Run the sandbox and say where it is."""
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
    given = parser.parse_args()
    world = big_world(given.users, given.encoding) if given.users else seed_world(given.encoding)
    folder = Path(tempfile.gettempdir()) if given.key is None else given.key.parent
    with Sandbox(world, tls=given.tls, port=given.port) as box:
        key = box.key_file(given.key or folder / "sandbox-key.json")
        print(f"url  {box.url}")
        print(f"key  {key}")
        if given.tls:
            print(f"ca   {box.ca_file(folder / 'sandbox-ca.pem')}")
        print(f'faults  POST {box.url}/_sandbox/faults  {{"name": "rate-limit"}}', flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

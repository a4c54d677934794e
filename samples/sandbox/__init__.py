"""A Google Workspace stand-in on loopback, for tests, the demo and reproductions.

    with Sandbox(seed_world()) as box:
        box.key_file("key.json")
        box.fault("rate-limit")

The faults are listed in `samples.sandbox.faults.TABLE`, the people in `samples.sandbox.seed`.
"""

from samples.sandbox.seed import big_world, seed_world
from samples.sandbox.server import Sandbox
from samples.sandbox.world import World

__all__ = ["Sandbox", "World", "big_world", "seed_world"]

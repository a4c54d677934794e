"""Free ports, for the tests."""

from samples.servers.ports import free_port

__all__ = ["free_port"]

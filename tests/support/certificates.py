"""The certificates of the recorded sessions, for the tests."""

from samples.servers.certificates import Certificates, make

__all__ = ["Certificates", "make"]

"""The directory server of the recorded sessions, for the tests."""

from samples.servers.slapd import BASE, PASSWORD, PROGRAM, READER, Slapd, slapd

__all__ = ["BASE", "PASSWORD", "PROGRAM", "READER", "Slapd", "slapd"]

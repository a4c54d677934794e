"""The SMTP server of the recorded sessions, for the tests."""

from samples.servers.smtpd import PASSWORD, USER, Mailbox, smtpd

__all__ = ["PASSWORD", "USER", "Mailbox", "smtpd"]

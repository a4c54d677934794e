"""The double of Outlook of the recorded sessions, for the tests."""

from samples.servers.outlook import ComError, MailItem, Outlook

__all__ = ["ComError", "MailItem", "Outlook"]

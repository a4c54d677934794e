"""What puts events into the session's file: seams, redaction, writer."""

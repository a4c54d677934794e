"""Real servers on loopback, and a double of Outlook: for the recorded sessions and the tests."""

"""Other people's test suites, run bare and with our hooks installed: the counts must agree."""

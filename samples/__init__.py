"""Things to run against: the sandbox, repro scripts, recorded sessions."""
